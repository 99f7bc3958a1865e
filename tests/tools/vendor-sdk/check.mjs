// Drives a stand-in of GoHighLevel's API with the vendor's own client, operation by operation.
import { check, companyId, control, ghl, hold, ids, locationId, refused } from './harness.mjs';

const contactId = 'contact-1-04';
const calendarId = 'calendar-1';
const made = {};
await control('POST', '/limits', {});

// Contacts
await check('contacts.createContact', () => ghl.contacts.createContact({ locationId, firstName: 'Sdk', lastName: 'Client', email: 'sdk@example.com', phone: '+15557770001', tags: ['one'] }), ({ contact }) => {
  made.contact = contact.id;
  hold(contact.email === 'sdk@example.com' && contact.tags.includes('one'), 'the contact is what was sent');
});
await refused('contacts.createContact (duplicate)', () => ghl.contacts.createContact({ locationId, email: 'sdk@example.com' }), 400);
await check('contacts.getContact', () => ghl.contacts.getContact({ contactId: made.contact }), ({ contact }) => hold(contact.firstName === 'Sdk', 'the contact is read back'));
await check('contacts.updateContact', () => ghl.contacts.updateContact({ contactId: made.contact }, { city: 'Kiel' }), async () => {
  const { contact } = await ghl.contacts.getContact({ contactId: made.contact });
  hold(contact.city === 'Kiel' && contact.firstName === 'Sdk', 'one property has changed, the others stay');
});
await check('contacts.upsertContact', () => ghl.contacts.upsertContact({ locationId, email: 'sdk@example.com', companyName: 'Acme' }), (answer) => hold(answer.new === false && answer.contact.id === made.contact, 'the contact of that address is changed'));
await check('contacts.getDuplicateContact', () => ghl.contacts.getDuplicateContact({ locationId, number: '+15557770001' }), ({ contact }) => hold(contact.id === made.contact, 'a plus in a number arrives'));
await check('contacts.addTags', () => ghl.contacts.addTags({ contactId: made.contact }, { tags: ['two', 'three'] }), ({ tags }) => hold(tags.length === 3, 'tags are added'));
await check('contacts.removeTags', () => ghl.contacts.removeTags({ contactId: made.contact }, { tags: ['one'] }), ({ tags }) => hold(!tags.includes('one') && tags.length === 2, 'a tag is gone'));
await check('contacts.createAssociation (bulk tags)', () => ghl.contacts.createAssociation({ type: 'add' }, { contacts: [made.contact, contactId], tags: ['bulk'], locationId }), async () => {
  hold((await ghl.contacts.getContact({ contactId })).contact.tags.includes('bulk'), 'both have the tag');
});
await check('contacts.addFollowersContact', () => ghl.contacts.addFollowersContact({ contactId: made.contact }, { followers: ['user-1a'] }), (answer) => hold(answer.followers.includes('user-1a'), 'it is followed'));
await check('contacts.removeFollowersContact', () => ghl.contacts.removeFollowersContact({ contactId: made.contact }, { followers: ['user-1a'] }), (answer) => hold(!answer.followers.includes('user-1a'), 'it is followed no more'));
await check('contacts.createTask', () => ghl.contacts.createTask({ contactId: made.contact }, { title: 'Call', dueDate: '2030-01-02T10:00:00Z', completed: false }), ({ task }) => {
  made.task = task.id;
  hold(task.title === 'Call', 'the task is what was sent');
});
await check('contacts.updateTaskCompleted', () => ghl.contacts.updateTaskCompleted({ contactId: made.contact, taskId: made.task }, { completed: true }), async () => {
  hold((await ghl.contacts.getTask({ contactId: made.contact, taskId: made.task })).task.completed === true, 'the task is done');
});
await check('contacts.getAllTasks', () => ghl.contacts.getAllTasks({ contactId: made.contact }), ({ tasks }) => hold(ids(tasks).includes(made.task), 'the task is listed'));
await check('contacts.deleteTask', () => ghl.contacts.deleteTask({ contactId: made.contact, taskId: made.task }), async () => {
  hold((await ghl.contacts.getAllTasks({ contactId: made.contact })).tasks.length === 0, 'the task is gone');
});
await check('contacts.createNote', () => ghl.contacts.createNote({ contactId: made.contact }, { body: 'Nice', userId: 'user-1a' }), ({ note }) => {
  made.note = note.id;
  hold(note.body === 'Nice', 'the note is what was sent');
});
await check('contacts.updateNote', () => ghl.contacts.updateNote({ contactId: made.contact, id: made.note }, { body: 'Nicer', userId: 'user-1a' }), async () => {
  hold((await ghl.contacts.getNote({ contactId: made.contact, id: made.note })).note.body === 'Nicer', 'the note has changed');
});
await check('contacts.getAllNotes', () => ghl.contacts.getAllNotes({ contactId: made.contact }), ({ notes }) => hold(notes.length === 1, 'the note is listed'));
await check('contacts.addContactToCampaign', () => ghl.contacts.addContactToCampaign({ contactId: made.contact, campaignId: 'ghl-campaign-1' }, {}), (answer) => hold(answer.succeded === true, 'it says that it succeeded, in its spelling'));
await check('contacts.removeContactFromCampaign', () => ghl.contacts.removeContactFromCampaign({ contactId: made.contact, campaignId: 'ghl-campaign-1' }), (answer) => hold(answer.succeded === true, 'it succeeded'));
await check('contacts.addContactToWorkflow', () => ghl.contacts.addContactToWorkflow({ contactId: made.contact, workflowId: 'workflow-1' }, { eventStartTime: '2030-06-01T10:00:00+01:00' }), (answer) => hold(answer.succeded === true, 'it succeeded'));
await check('contacts.deleteContactFromWorkflow', () => ghl.contacts.deleteContactFromWorkflow({ contactId: made.contact, workflowId: 'workflow-1' }, { eventStartTime: '2030-06-01T10:00:00+01:00' }), (answer) => hold(answer.succeded === true, 'a DELETE with a body succeeds'));
await check('contacts.getContactsByBusinessId', () => ghl.contacts.getContactsByBusinessId({ businessId: 'business-1', locationId }), ({ contacts }) => hold(contacts.length === 2, 'the contacts of the business are listed'));
await check('contacts.addRemoveContactFromBusiness', () => ghl.contacts.addRemoveContactFromBusiness({ locationId, ids: ['contact-1-01'], businessId: null }), async () => {
  hold((await ghl.contacts.getContactsByBusinessId({ businessId: 'business-1', locationId })).contacts.length === 1, 'null unties the contact');
});
await check('contacts.searchContactsAdvanced', () => ghl.contacts.searchContactsAdvanced({ locationId, pageLimit: 5, filters: [{ field: 'email', operator: 'eq', value: 'sdk@example.com' }] }), ({ contacts, total }) => hold(total === 1 && contacts[0].id === made.contact, 'the search finds it'));
await check('contacts.getContacts', () => ghl.contacts.getContacts({ locationId, limit: 5 }), ({ contacts, meta }) => hold(contacts.length === 5 && meta.startAfterId, 'a page comes, and how to go on'));

// Calendars
await check('calendars.createCalendar', () => ghl.calendars.createCalendar({ locationId, name: 'Sdk', calendarType: 'event', slotDuration: 30, slotDurationUnit: 'mins' }), ({ calendar }) => {
  made.calendar = calendar.id;
  hold(calendar.calendarType === 'event', 'the calendar is what was sent');
});
await check('calendars.updateCalendar', () => ghl.calendars.updateCalendar({ calendarId: made.calendar }, { name: 'Sdk 2' }), async () => {
  hold((await ghl.calendars.getCalendar({ calendarId: made.calendar })).calendar.name === 'Sdk 2', 'the calendar has changed');
});
await check('calendars.getCalendars', () => ghl.calendars.getCalendars({ locationId }), ({ calendars }) => hold(ids(calendars).includes(made.calendar), 'the calendar is listed'));
await check('calendars.deleteCalendar', () => ghl.calendars.deleteCalendar({ calendarId: made.calendar }), async () => {
  hold(!ids((await ghl.calendars.getCalendars({ locationId })).calendars).includes(made.calendar), 'the calendar is gone');
});
await check('calendars.getSlots', () => ghl.calendars.getSlots({ calendarId, startDate: Date.UTC(2030, 0, 7), endDate: Date.UTC(2030, 0, 9) }), (days) => hold(days['2030-01-07'].slots.length > 0, 'there are free slots'));
await check('calendars.createAppointment', () => ghl.calendars.createAppointment({ calendarId, locationId, contactId, startTime: '2030-01-07T10:00:00Z', endTime: '2030-01-07T10:30:00Z' }), (answer) => {
  made.appointment = answer.id;
  hold(answer.appointmentStatus === 'confirmed', 'the appointment stands');
});
await check('calendars.editAppointment', () => ghl.calendars.editAppointment({ eventId: made.appointment }, { title: 'Moved' }), (answer) => hold(answer.title === 'Moved', 'the appointment has changed'));
await check('calendars.getAppointment', () => ghl.calendars.getAppointment({ eventId: made.appointment }), (answer) => hold((answer.appointment ?? answer.event).id === made.appointment, 'the appointment is read back'));
await check('calendars.getCalendarEvents', () => ghl.calendars.getCalendarEvents({ locationId, calendarId, startTime: String(Date.UTC(2030, 0, 7)), endTime: String(Date.UTC(2030, 0, 8)) }), ({ events }) => hold(ids(events).includes(made.appointment), 'the appointment is listed'));
await check('contacts.getAppointmentsForContact', () => ghl.contacts.getAppointmentsForContact({ contactId }), ({ events }) => hold(ids(events).includes(made.appointment), 'the contact has the appointment'));
await check('calendars.createAppointmentNote', () => ghl.calendars.createAppointmentNote({ appointmentId: made.appointment }, { body: 'Bring papers', userId: 'user-1a' }), ({ note }) => {
  made.appointmentNote = note.id;
  hold(note.body === 'Bring papers', 'the note is what was sent');
});
await check('calendars.getAppointmentNotes', () => ghl.calendars.getAppointmentNotes({ appointmentId: made.appointment, limit: 10, offset: 0 }), ({ notes, hasMore }) => hold(notes.length === 1 && hasMore === false, 'the note is listed'));
await check('calendars.deleteEvent', () => ghl.calendars.deleteEvent({ eventId: made.appointment }, {}), (answer) => hold(answer.succeeded === true, 'a DELETE with an empty body succeeds'));
await check('calendars.createBlockSlot', () => ghl.calendars.createBlockSlot({ calendarId, locationId, title: 'Away', startTime: '2030-01-07T12:00:00Z', endTime: '2030-01-07T13:00:00Z' }), (answer) => {
  made.block = answer.id;
  hold(answer.title === 'Away', 'the time is blocked');
});
await check('calendars.getBlockedSlots', () => ghl.calendars.getBlockedSlots({ locationId, calendarId, startTime: String(Date.UTC(2030, 0, 7)), endTime: String(Date.UTC(2030, 0, 8)) }), ({ events }) => hold(ids(events).includes(made.block), 'the blocked time is listed'));
await check('calendars.createCalendarGroup', () => ghl.calendars.createCalendarGroup({ locationId, name: 'Sdk', description: 'Of the client', slug: 'sdk' }), ({ group }) => {
  made.group = group.id;
  hold(group.slug === 'sdk', 'the group is what was sent');
});
await check('calendars.validateGroupsSlug', () => ghl.calendars.validateGroupsSlug({ locationId, slug: 'sdk' }), ({ available }) => hold(available === false, 'the slug is taken'));
await check('calendars.disableGroup', () => ghl.calendars.disableGroup({ groupId: made.group }, { isActive: false }), (answer) => hold(answer.success === true, 'it succeeded'));
await check('calendars.getGroups', () => ghl.calendars.getGroups({ locationId }), ({ groups }) => hold(ids(groups).includes(made.group), 'the group is listed'));
await check('calendars.createCalendarResource', () => ghl.calendars.createCalendarResource({ resourceType: 'rooms' }, { locationId, name: 'Red room', description: 'For two', quantity: 1, outOfService: 0, capacity: 2, calendarIds: [calendarId] }), (answer) => {
  made.room = answer._id ?? answer.id;
  hold(answer.name === 'Red room', 'the room is what was sent');
});
await check('calendars.fetchCalendarResources', () => ghl.calendars.fetchCalendarResources({ resourceType: 'rooms', locationId, limit: 10, skip: 0 }), (rooms) => hold(rooms.some((room) => room.name === 'Red room'), 'the room is listed'));
await check('calendars.createEventNotification', () => ghl.calendars.createEventNotification({ calendarId }, [{ receiverType: 'contact', channel: 'email', notificationType: 'booked' }]), (answer) => hold(Array.isArray(answer) && answer.length === 1, 'a body that is a list makes one each'));
await check('calendars.getEventNotification', () => ghl.calendars.getEventNotification({ calendarId }), (answer) => hold(answer.length === 2, 'the notifications are listed'));

// Opportunities
await check('opportunities.getPipelines', () => ghl.opportunities.getPipelines({ locationId }), ({ pipelines }) => hold(pipelines[0].stages.length === 3, 'the pipeline has its stages'));
await check('opportunities.createOpportunity', () => ghl.opportunities.createOpportunity({ locationId, pipelineId: 'pipeline-1', name: 'Shop', status: 'open', contactId, monetaryValue: 900 }), ({ opportunity }) => {
  made.opportunity = opportunity.id;
  hold(opportunity.monetaryValue === 900 && opportunity.contact.id === contactId, 'the opportunity is what was sent, with its contact');
});
await check('opportunities.updateOpportunityStatus', () => ghl.opportunities.updateOpportunityStatus({ id: made.opportunity }, { status: 'won' }), async () => {
  hold((await ghl.opportunities.getOpportunity({ id: made.opportunity })).opportunity.status === 'won', 'the opportunity is won');
});
await check('opportunities.searchOpportunity', () => ghl.opportunities.searchOpportunity({ locationId, pipelineId: 'pipeline-1', status: 'won' }), ({ opportunities, meta }) => hold(ids(opportunities).includes(made.opportunity) && meta.total === 1, 'the search finds it'));
await check('opportunities.upsertOpportunity', () => ghl.opportunities.upsertOpportunity({ locationId, pipelineId: 'pipeline-1', id: made.opportunity, name: 'Shop 2', followers: ['user-1a'], isRemoveAllFollowers: false, followersActionType: 'add' }), (answer) => hold(answer.new === false && answer.opportunity.name === 'Shop 2' && answer.opportunity.followers.includes('user-1a'), 'the opportunity has changed'));
await check('opportunities.deleteOpportunity', () => ghl.opportunities.deleteOpportunity({ id: made.opportunity }), (answer) => hold(answer.succeded === true, 'it is gone'));

// Conversations
await check('conversations.searchConversation', () => ghl.conversations.searchConversation({ locationId }), ({ conversations, total }) => hold(total >= 1 && conversations.length >= 1, 'conversations are found'));
await check('conversations.getMessages', () => ghl.conversations.getMessages({ conversationId: 'conversation-1', type: 'TYPE_SMS,TYPE_CALL' }), ({ messages }) => hold(messages.messages.length === 2, 'messages of two types are listed'));
await check('conversations.getMessage', () => ghl.conversations.getMessage({ id: 'message-1-1' }), (message) => hold((message.message ?? message).id === 'message-1-1', 'the message is read'));
await check('conversations.sendANewMessage', () => ghl.conversations.sendANewMessage({ type: 'SMS', subType: {}, contactId, message: 'Hello', status: 'pending' }), (answer) => hold(answer.messageId && answer.conversationId, 'the message is on its way'));

// Users, locations, and the rest
await check('users.getUserByLocation', () => ghl.users.getUserByLocation({ locationId }), ({ users }) => hold(users.length === 2, 'the users of the location are listed'));
await check('users.searchUsers', () => ghl.users.searchUsers({ companyId, query: 'Olga' }), ({ users, count }) => hold(count === 3 && users.every((user) => user.firstName === 'Olga'), 'the users of that name are found'));
await check('users.getUser', () => ghl.users.getUser({ userId: 'user-1a' }), (user) => hold(user.email === 'owner1@sandbox.example', 'the user is read'));
await check('locations.getLocation', () => ghl.locations.getLocation({ locationId }), ({ location }) => hold(location.timezone === 'Europe/Berlin', 'the location is read'));
await check('locations.searchLocations', () => ghl.locations.searchLocations({ companyId }), ({ locations }) => hold(locations.length === 3, 'the locations are listed'));
await check('locations.getCustomFields', () => ghl.locations.getCustomFields({ locationId, model: 'contact' }), ({ customFields }) => hold(customFields.length > 0 && customFields.every((field) => field.model === 'contact'), 'the fields of contacts are listed'));
await check('locations.createCustomValue', () => ghl.locations.createCustomValue({ locationId }, { name: 'Slogan', value: 'Yes' }), ({ customValue }) => hold(customValue.value === 'Yes', 'the value is what was sent'));
await check('locations.getLocationTags', () => ghl.locations.getLocationTags({ locationId }), ({ tags }) => hold(tags.length > 0, 'the tags are listed'));
await check('companies.getCompany', () => ghl.companies.getCompany({ companyId }), ({ company }) => hold(company.id === companyId, 'the company is read'));
await check('businesses.createBusiness', () => ghl.businesses.createBusiness({ locationId, name: 'Sdk Ltd.' }), (answer) => {
  made.business = (answer.business ?? answer.buiseness).id;
  hold(made.business, 'the business has an id');
});
await check('businesses.getBusinessesByLocation', () => ghl.businesses.getBusinessesByLocation({ locationId }), ({ businesses }) => hold(ids(businesses).includes(made.business), 'the business is listed'));
await check('campaigns.getCampaigns', () => ghl.campaigns.getCampaigns({ locationId }), ({ campaigns }) => hold(campaigns.length === 1, 'the campaign is listed'));
await check('workflows.getWorkflow', () => ghl.workflows.getWorkflow({ locationId }), ({ workflows }) => hold(workflows.length === 1, 'the workflow is listed'));
await check('associations.createRelation', () => ghl.associations.createRelation({ locationId, associationId: 'association-1', firstRecordId: contactId, secondRecordId: 'business-1' }), (answer) => hold(answer.id, 'the relation has an id'));
await check('associations.getRelationsByRecordId', () => ghl.associations.getRelationsByRecordId({ recordId: contactId, locationId, skip: 0, limit: 10 }), (answer) => hold(answer.relations.length === 1, 'the relation is listed'));
await check('blogs.getBlogs', () => ghl.blogs.getBlogs({ locationId, skip: 0, limit: 10 }), ({ data }) => hold(data.length === 1, 'the blog is listed'));
await check('blogs.createBlogPost', () => ghl.blogs.createBlogPost({ locationId, blogId: 'blog-1', title: 'Sdk', imageUrl: 'https://x.example/a.png', description: 'D', rawHTML: '<p>x</p>', status: 'DRAFT', imageAltText: 'A', categories: ['category-1'], author: 'author-1', urlSlug: 'sdk', publishedAt: '2030-01-01T00:00:00Z' }), ({ data }) => hold(data._id, 'the post has an id'));
await check('socialMediaPosting.getTagsLocationId', () => ghl.socialMediaPosting.getTagsLocationId({ locationId }), ({ results }) => hold(results.tags.length === 4, 'the tags are listed'));
await check('socialMediaPosting.getTagsByIds', () => ghl.socialMediaPosting.getTagsByIds({ locationId }, { tagIds: ['tag-1-vip'] }), ({ results }) => hold(results.tags[0].tag === 'vip', 'the tag is read by its id'));
await check('socialMediaPosting.getSocialMediaStatistics', () => ghl.socialMediaPosting.getSocialMediaStatistics({ locationId }, { profileIds: ['p1'], platforms: ['facebook'] }), ({ results }) => hold(results.dayRange.length === 7, 'seven days are there'));
await check('contacts.deleteContact', () => ghl.contacts.deleteContact({ contactId: made.contact }), (answer) => hold(answer.succeded === true, 'it succeeded'));
await refused('contacts.getContact (deleted)', () => ghl.contacts.getContact({ contactId: made.contact }), 404);

// What is left of the covered resources, on records of the seed or made here
const messageId = 'message-1-2';
await check('contacts.updateTask', async () => {
  const { task } = await ghl.contacts.createTask({ contactId }, { title: 'Write', dueDate: '2030-01-02T10:00:00Z', completed: false });
  return ghl.contacts.updateTask({ contactId, taskId: task.id }, { title: 'Write again' });
}, ({ task }) => hold(task.title === 'Write again', 'the task has changed'));
await check('contacts.deleteNote', async () => ghl.contacts.deleteNote({ contactId, id: (await ghl.contacts.createNote({ contactId }, { body: 'Gone soon', userId: 'user-1a' })).note.id }), (answer) => hold(answer.succeded === true, 'the note is gone'));
await check('contacts.removeContactFromEveryCampaign', () => ghl.contacts.removeContactFromEveryCampaign({ contactId }), (answer) => hold(answer.succeded === true, 'it succeeded'));
await check('calendars.findEventNotification', () => ghl.calendars.findEventNotification({ calendarId, notificationId: 'notification-1-1' }), (answer) => hold(answer.channel === 'email', 'the notification is read'));
await check('calendars.updateEventNotification', () => ghl.calendars.updateEventNotification({ calendarId, notificationId: 'notification-1-1' }, { channel: 'sms' }), async () => {
  hold((await ghl.calendars.findEventNotification({ calendarId, notificationId: 'notification-1-1' })).channel === 'sms', 'the notification has changed');
});
await check('calendars.deleteEventNotification', () => ghl.calendars.deleteEventNotification({ calendarId, notificationId: 'notification-1-1' }), (answer) => hold(answer.message, 'it says so'));
await check('calendars.getCalendarResource', () => ghl.calendars.getCalendarResource({ resourceType: 'rooms', id: 'room-1-1' }), (answer) => hold(answer.name === 'Blue room', 'the room is read'));
await check('calendars.updateCalendarResource', () => ghl.calendars.updateCalendarResource({ resourceType: 'rooms', id: 'room-1-1' }, { name: 'Sky room' }), (answer) => hold(answer.name === 'Sky room', 'the room has changed'));
await check('calendars.deleteCalendarResource', () => ghl.calendars.deleteCalendarResource({ resourceType: 'rooms', id: 'room-1-1' }), (answer) => hold(answer.success === true, 'the room is gone'));
await check('calendars.editGroup', () => ghl.calendars.editGroup({ groupId: made.group }, { name: 'Sdk 2', description: 'Two', slug: 'sdk-2' }), ({ group }) => hold(group.slug === 'sdk-2', 'the group has changed'));
await check('calendars.deleteGroup', () => ghl.calendars.deleteGroup({ groupId: made.group }), (answer) => hold(answer.success === true, 'the group is gone'));
await check('calendars.editBlockSlot', () => ghl.calendars.editBlockSlot({ eventId: made.block }, { calendarId, locationId, title: 'Longer away' }), (answer) => hold(answer.title === 'Longer away', 'the blocked time has changed'));
await check('calendars.updateAppointmentNote', () => ghl.calendars.updateAppointmentNote({ appointmentId: 'appointment-1-1', noteId: 'appointment-note-1-1' }, { body: 'Bring two', userId: 'user-1a' }), ({ note }) => hold(note.body === 'Bring two', 'the note has changed'));
await check('calendars.deleteAppointmentNote', () => ghl.calendars.deleteAppointmentNote({ appointmentId: 'appointment-1-1', noteId: 'appointment-note-1-1' }), (answer) => hold(answer.success === true, 'the note is gone'));
await check('opportunities.updateOpportunity', () => ghl.opportunities.updateOpportunity({ id: 'opportunity-1-1' }, { name: 'Website and shop' }), ({ opportunity }) => hold(opportunity.name === 'Website and shop', 'the opportunity has changed'));
await check('opportunities.addFollowersOpportunity', () => ghl.opportunities.addFollowersOpportunity({ id: 'opportunity-1-1' }, { followers: ['user-1b'] }), (answer) => hold(answer.followers.includes('user-1b'), 'it is followed'));
await check('opportunities.removeFollowersOpportunity', () => ghl.opportunities.removeFollowersOpportunity({ id: 'opportunity-1-1' }, { followers: ['user-1b'] }), (answer) => hold(!answer.followers.includes('user-1b'), 'it is followed no more'));
await check('users.createUser', () => ghl.users.createUser({ companyId, firstName: 'Sdk', lastName: 'User', email: 'sdk.user@example.com', password: 'Secret-1234', type: 'account', role: 'user', locationIds: [locationId] }), (user) => {
  made.user = user.id;
  hold(user.roles.locationIds.includes(locationId) && user.password === undefined, 'the user is in the location, and the password is not shown');
});
await check('users.filterUsersByEmail', () => ghl.users.filterUsersByEmail({ companyId, emails: 'sdk.user@example.com' }), ({ users }) => hold(users.length === 1 && users[0].id === made.user, 'the user is found'));
await check('users.updateUser', () => ghl.users.updateUser({ userId: made.user }, { lastName: 'Person' }), (user) => hold(user.name === 'Sdk Person', 'the user has changed'));
await check('users.deleteUser', () => ghl.users.deleteUser({ userId: made.user }), (answer) => hold(answer.succeded === true, 'the user is gone'));
await check('conversations.getConversation', () => ghl.conversations.getConversation({ conversationId: 'conversation-1' }), (answer) => hold(answer.id === 'conversation-1', 'the conversation is read'));
await check('conversations.getEmailById', () => ghl.conversations.getEmailById({ id: 'message-1-3' }), (answer) => hold(answer.subject === 'Offer', 'the e-mail is read'));
await check('conversations.getMessageRecording', () => ghl.conversations.getMessageRecording({ messageId, locationId }, { responseType: 'arraybuffer' }), (answer) => hold(Buffer.from(answer).subarray(0, 4).toString() === 'RIFF', 'the recording is a sound'));
await check('conversations.getMessageTranscription', () => ghl.conversations.getMessageTranscription({ locationId, messageId }), (answer) => hold(answer[0].transcript === 'Hello, this is Ada.', 'the sentences are there'));
await check('conversations.downloadMessageTranscription', () => ghl.conversations.downloadMessageTranscription({ locationId, messageId }), (answer) => hold(answer === 'Hello, this is Ada.', 'the text is there'));
await check('conversations.updateMessageStatus', () => ghl.conversations.updateMessageStatus({ messageId: 'message-1-1' }, { status: 'read' }), (answer) => hold(answer.status === 'read', 'the message is read'));
await check('conversations.liveChatAgentTyping', () => ghl.conversations.liveChatAgentTyping({ locationId, isTyping: 'true', visitorId: 'v', conversationId: 'conversation-1' }), (answer) => hold(answer.success === true, 'it succeeded'));
await check('businesses.getBusiness', () => ghl.businesses.getBusiness({ businessId: made.business }), ({ business }) => hold(business.name === 'Sdk Ltd.', 'the business is read'));
await check('businesses.updateBusiness', () => ghl.businesses.updateBusiness({ businessId: made.business }, { city: 'Kiel' }), (answer) => hold((answer.buiseness ?? answer.business).city === 'Kiel', 'the business has changed'));
await check('businesses.deleteBusiness', () => ghl.businesses.deleteBusiness({ businessId: made.business }), (answer) => hold(answer.success === true, 'the business is gone'));
await check('snapshots.getCustomSnapshots', () => ghl.snapshots.getCustomSnapshots({ companyId }), ({ snapshots }) => hold(snapshots.length === 1, 'the snapshot is listed'));
await check('associations.findAssociations', () => ghl.associations.findAssociations({ locationId, skip: 0, limit: 10 }), ({ associations }) => hold(associations.length === 1, 'the association is listed'));
await check('associations.getAssociationByID', () => ghl.associations.getAssociationByID({ associationId: 'association-1' }), (answer) => hold(answer.key === 'business_owner', 'the association is read'));
await check('associations.getAssociationKeyByKeyName', () => ghl.associations.getAssociationKeyByKeyName({ keyName: 'business_owner', locationId }), (answer) => hold(answer.id === 'association-1', 'the association is found by its key'));
await check('associations.getAssociationByObjectKeys', () => ghl.associations.getAssociationByObjectKeys({ objectKey: 'business', locationId }), ({ associations }) => hold(associations.length === 1, 'the association is found by its object'));
await check('associations.updateAssociation', () => ghl.associations.updateAssociation({ associationId: 'association-1' }, { firstObjectLabel: 'Boss', secondObjectLabel: 'Firm' }), (answer) => hold(answer.firstObjectLabel === 'Boss', 'the association has changed'));
await check('associations.deleteRelation', () => ghl.associations.deleteRelation({ relationId: 'relation-1-1', locationId }), (answer) => hold(answer.id === 'relation-1-1', 'the relation is gone'));
await check('associations.deleteAssociation', () => ghl.associations.deleteAssociation({ associationId: 'association-1' }), (answer) => hold(answer.deleted === true, 'the association is gone'));
await check('blogs.checkUrlSlugExists', () => ghl.blogs.checkUrlSlugExists({ locationId, urlSlug: 'sdk' }), ({ exists }) => hold(exists === true, 'the slug is taken'));
await check('blogs.getAllBlogAuthorsByLocation', () => ghl.blogs.getAllBlogAuthorsByLocation({ locationId, limit: 10, offset: 0 }), ({ authors }) => hold(authors.length === 1, 'the author is listed'));
await check('blogs.getAllCategoriesByLocation', () => ghl.blogs.getAllCategoriesByLocation({ locationId, limit: 10, offset: 0 }), ({ categories }) => hold(categories.length === 1, 'the category is listed'));
await check('blogs.getBlogPost', () => ghl.blogs.getBlogPost({ locationId, blogId: 'blog-1', limit: 10, offset: 0 }), ({ blogs }) => hold(blogs.length === 2, 'both posts are listed'));
await check('blogs.updateBlogPost', () => ghl.blogs.updateBlogPost({ postId: 'post-1-1' }, { locationId, blogId: 'blog-1', title: 'Hello again', imageUrl: 'https://x.example/a.png', description: 'D', rawHTML: '<p>x</p>', status: 'DRAFT', imageAltText: 'A', categories: ['category-1'], author: 'author-1', urlSlug: 'hello-1', publishedAt: '2030-01-01T00:00:00Z' }), ({ updatedBlogPost }) => hold(updatedBlogPost.title === 'Hello again', 'the post has changed'));
await check('locations.createLocation', () => ghl.locations.createLocation({ companyId, name: 'Sdk Studio' }), (answer) => hold(answer.id && answer.name === 'Sdk Studio', 'the location has an id'));
await check('locations.putLocation', () => ghl.locations.putLocation({ locationId: 'loc-3' }, { companyId, name: 'Port Studio' }), (answer) => hold(answer.name === 'Port Studio', 'the location has changed'));
await check('locations.getCustomField', () => ghl.locations.getCustomField({ locationId, id: 'field-1-size' }), ({ customField }) => hold(customField.dataType === 'NUMERICAL', 'the field is read'));
await check('locations.createTag', () => ghl.locations.createTag({ locationId }, { name: 'sdk' }), ({ tag }) => {
  made.tag = tag.id;
  hold(tag.name === 'sdk', 'the tag is what was sent');
});
await check('locations.updateTag', () => ghl.locations.updateTag({ locationId, tagId: made.tag }, { name: 'sdk 2' }), ({ tag }) => hold(tag.name === 'sdk 2', 'the tag has changed'));
await check('locations.getTagById', () => ghl.locations.getTagById({ locationId, tagId: made.tag }), ({ tag }) => hold(tag.name === 'sdk 2', 'the tag is read'));
await check('locations.deleteTag', () => ghl.locations.deleteTag({ locationId, tagId: made.tag }), (answer) => hold(answer.succeded === true, 'the tag is gone'));
await check('locations.getCustomValues', () => ghl.locations.getCustomValues({ locationId }), ({ customValues }) => hold(customValues.length === 2, 'the values are listed'));
await check('locations.updateCustomValue', () => ghl.locations.updateCustomValue({ locationId, id: 'custom-value-1-1' }, { name: 'Support phone', value: '+1' }), ({ customValue }) => hold(customValue.value === '+1', 'the value has changed'));
await check('locations.getCustomValue', () => ghl.locations.getCustomValue({ locationId, id: 'custom-value-1-1' }), ({ customValue }) => hold(customValue.value === '+1', 'the value is read'));
await check('locations.deleteCustomValue', () => ghl.locations.deleteCustomValue({ locationId, id: 'custom-value-1-1' }), (answer) => hold(answer.succeded === true, 'the value is gone'));
await check('forms.getForms', () => ghl.forms.getForms({ locationId }), ({ forms }) => hold(forms.length === 1, 'the form is listed'));
await check('forms.getFormsSubmissions', () => ghl.forms.getFormsSubmissions({ locationId }), ({ submissions, meta }) => hold(submissions.length === 1 && meta.total === 1, 'the submission is listed'));
await check('surveys.getSurveys', () => ghl.surveys.getSurveys({ locationId }), ({ surveys }) => hold(surveys.length === 1, 'the survey is listed'));
await check('surveys.getSurveysSubmissions', () => ghl.surveys.getSurveysSubmissions({ locationId }), ({ submissions }) => hold(submissions.length === 1, 'the submission is listed'));
await check('medias.uploadMediaContent', () => {
  const form = new FormData();
  form.append('file', new Blob(['Hello']), 'hello.txt');
  form.append('name', 'hello.txt');
  return ghl.medias.uploadMediaContent(form, { headers: { 'Content-Type': 'multipart/form-data' } });
}, (answer) => hold(answer.fileId && answer.url.endsWith('hello.txt'), 'the file is there'));
process.exit(0);
