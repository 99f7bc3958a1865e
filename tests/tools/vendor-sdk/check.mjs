// Drives a stand-in of GoHighLevel's API with the vendor's own client. Each line of output is one operation: {"operation", "ok", "problem"?}.
// Usage: node check.mjs BASE_URL TOKEN SERVER_KEY
import { createRequire } from 'node:module';

const { HighLevel } = createRequire(import.meta.url)('@gohighlevel/api-client');
const [baseUrl, token, serverKey] = process.argv.slice(2);
HighLevel.BASE_URL = baseUrl;
const ghl = new HighLevel({ privateIntegrationToken: token, logLevel: 'none' });
const locationId = 'loc-1';
const companyId = 'co-1';
const contactId = 'contact-1-04';
const calendarId = 'calendar-1';
const made = {};

function hold(condition, what) {
  if (!condition) {
    throw new Error(what);
  }
}

/** Calls, and checks what came of it; the answer is the operation's own. */
async function check(operation, call, outcome) {
  try {
    const answer = await call();
    await outcome(answer);
    console.log(JSON.stringify({ operation, ok: true }));
  } catch (error) {
    const answered = error?.response?.data ?? error?.data;
    console.log(JSON.stringify({ operation, ok: false, problem: `${error?.message ?? error} ${answered ? JSON.stringify(answered) : ''}`.slice(0, 600) }));
  }
}

/** An operation that must be refused. */
async function refused(operation, call, status) {
  try {
    await call();
  } catch (error) {
    const got = error?.statusCode ?? error?.status ?? error?.response?.status;
    console.log(JSON.stringify({ operation, ok: got === status, problem: got === status ? undefined : `refused with ${got}: ${error.message}` }));
    return;
  }
  console.log(JSON.stringify({ operation, ok: false, problem: 'it was not refused' }));
}

const ids = (list) => list.map((item) => item.id ?? item._id);

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

// OAuth: an agency's account, connected as a person would on the chooser's page
const app = { client_id: 'sdkapp-1', client_secret: 'sdk-secret' };
const oauth = new HighLevel({ clientId: app.client_id, clientSecret: app.client_secret, logLevel: 'none' });
const redirectUri = 'http://localhost/back';
const chooser = new URL(oauth.oauth.getAuthorizationUrl(app.client_id, redirectUri, 'contacts.readonly oauth.write oauth.readonly'));
const chosen = await fetch(`${baseUrl}${chooser.pathname}${chooser.search}&choice=${companyId}`, { redirect: 'manual' });
const code = new URL(chosen.headers.get('location')).searchParams.get('code');
await check('oauth.getAccessToken', () => oauth.oauth.getAccessToken({ ...app, grant_type: 'authorization_code', code, redirect_uri: redirectUri, user_type: 'Company' }), (answer) => {
  made.tokens = answer;
  hold(answer.userType === 'Company' && answer.companyId === companyId && answer.refresh_token && answer.expires_in === 86399, 'the agency is connected');
});
await refused('oauth.getAccessToken (code used twice)', () => oauth.oauth.getAccessToken({ ...app, grant_type: 'authorization_code', code, redirect_uri: redirectUri }), 400);
await check('oauth.refreshToken', () => oauth.oauth.refreshToken(made.tokens.refresh_token, app.client_id, app.client_secret, 'refresh_token', 'Company'), (answer) => {
  hold(answer.refresh_token !== made.tokens.refresh_token && answer.access_token !== made.tokens.access_token, 'both tokens are new');
  made.tokens = answer;
});
await oauth.getSessionStorage().setSession(companyId, made.tokens);
await check('oauth.getInstalledLocation', () => oauth.oauth.getInstalledLocation({ companyId, appId: 'sdkapp', isInstalled: true }), ({ locations }) => hold(locations.length === 3, 'the app is in three locations'));
await check('oauth.getLocationAccessToken', () => oauth.oauth.getLocationAccessToken({ companyId, locationId }), (answer) => {
  made.location = answer;
  hold(answer.locationId === locationId && answer.access_token, 'the location has a token');
});
await oauth.getSessionStorage().setSession(locationId, made.location);
await check('contacts.getContacts (by OAuth)', () => oauth.contacts.getContacts({ locationId, limit: 1 }), ({ contacts }) => hold(contacts.length === 1, 'contacts are listed with the location\'s token'));

// Webhooks: what the sandbox signs, the vendor's client verifies
const control = (path, body) => fetch(`${baseUrl.replace(/ghl$/, 'control')}/ghl/${path}`, { method: body ? 'POST' : 'GET', headers: { authorization: `ApiKey ${serverKey}`, 'content-type': 'application/json' }, body: body && JSON.stringify(body) }).then((answer) => answer.json());
await check('webhooks.verifyEd25519Signature', async () => {
  const { publicKey } = await control('webhook-key');
  const emitted = await control('webhooks', { type: 'ContactUpdate', id: contactId, url: `${new URL(baseUrl).origin}/webhooks/ghl/sandbox-ghl` });
  const payload = JSON.stringify(emitted.webhook);
  return { status: emitted.status, valid: ghl.webhooks.verifyEd25519Signature(payload, emitted.signature, publicKey), spoilt: ghl.webhooks.verifyEd25519Signature(`${payload} `, emitted.signature, publicKey) };
}, (answer) => hold(answer.status === 200 && answer.valid && !answer.spoilt, `the signature holds: ${JSON.stringify(answer)}`));
process.exit(0);
