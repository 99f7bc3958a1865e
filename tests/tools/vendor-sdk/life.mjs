// What the vendor's client does over a longer time: limits, pages, tokens that end, webhooks.
import http from 'node:http';
import { HighLevel, baseUrl, check, companyId, control, ghl, hold, ids, locationId, refused, token } from './harness.mjs';

const made = {};
await control('DELETE', '');

// Limits
const patient = new HighLevel({ privateIntegrationToken: token, logLevel: 'none', rateLimitRetry: true });
await control('POST', '/limits', { calls: 5, windowMs: 700, perDay: 100000 });
await check('limits: a burst is waited for', async () => {
  for (let i = 0; i < 8; i++) {
    await patient.contacts.getContact({ contactId: 'contact-1-01' });
  }
}, () => true);
await refused('limits: a burst', async () => {
  for (let i = 0; i < 9; i++) {
    await ghl.contacts.getContact({ contactId: 'contact-1-01' });
  }
}, 429, (error) => error.rateLimit?.scope === 'burst' && error.rateLimit.max === 5);
await control('POST', '/limits', { calls: 100000, windowMs: 10000, perDay: 1 });
await refused('limits: a day', () => patient.contacts.getContact({ contactId: 'contact-1-01' }), 429, (error) => error.rateLimit?.scope === 'daily' && error.rateLimit.dailyRemaining === 0);
await control('POST', '/limits', {});

// Pages
await control('POST', '/contacts', Array.from({ length: 250 }, (_, i) => ({ id: `page-${i}`, locationId: 'loc-2', firstName: `P${i}`, ...(i % 3 ? {} : { dateAdded: '2026-01-01T00:00:00.000Z' }) })));
async function all(next) {
  const seen = new Set();
  for (let page = 1; page < 20; page++) {
    const contacts = await next(page);
    if (contacts.length === 0) {
      break;
    }
    ids(contacts).forEach((id) => seen.add(id));
  }
  return seen.size;
}
let cursor = {};
await check('pages: contacts.getContacts', () => all(async () => {
  const { contacts, meta } = await ghl.contacts.getContacts({ locationId: 'loc-2', limit: 40, ...cursor });
  cursor = { startAfter: meta.startAfter, startAfterId: meta.startAfterId };
  return contacts;
}), (count) => hold(count === 262, `each contact once, and not ${count}`));
let after;
await check('pages: contacts.searchContactsAdvanced', () => all(async () => {
  const { contacts } = await ghl.contacts.searchContactsAdvanced({ locationId: 'loc-2', pageLimit: 40, ...(after ? { searchAfter: after } : {}) });
  after = contacts.at(-1)?.searchAfter;
  return contacts;
}), (count) => hold(count === 262, `each contact once, and not ${count}`));
await check('pages: contacts.searchContactsAdvanced (by number)', () => all(async (page) => (await ghl.contacts.searchContactsAdvanced({ locationId: 'loc-2', pageLimit: 40, page })).contacts), (count) => hold(count === 262, `each contact once, and not ${count}`));

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
await check('oauth: a token that ends in the middle is renewed', async () => {
  await control('POST', '/oauth-settings', { id: 'settings', expiresIn: 1 });
  const code = new URL((await fetch(`${baseUrl}${chooser.pathname}${chooser.search}&choice=${locationId}`, { redirect: 'manual' })).headers.get('location')).searchParams.get('code');
  const short = new HighLevel({ clientId: app.client_id, clientSecret: app.client_secret, logLevel: 'none' });
  await short.getSessionStorage().setSession(locationId, await short.oauth.getAccessToken({ ...app, grant_type: 'authorization_code', code, redirect_uri: redirectUri, user_type: 'Location' }));
  await new Promise((done) => setTimeout(done, 1100));
  return Promise.all(Array.from({ length: 5 }, () => short.contacts.getContacts({ locationId, limit: 1 })));
}, (answers) => hold(answers.every(({ contacts }) => contacts.length === 1), 'all five have their page'));
await control('POST', '/oauth-settings', { id: 'settings', expiresIn: 86399 });

// Webhooks: what the sandbox signs, the vendor's client verifies
await check('webhooks.verifyEd25519Signature', async () => {
  const { publicKey } = await control('GET', '/webhook-key');
  const emitted = await control('POST', '/webhooks', { type: 'ContactUpdate', id: 'contact-1-04', url: `${new URL(baseUrl).origin}/webhooks/ghl/sandbox-ghl` });
  const payload = JSON.stringify(emitted.webhook);
  return { status: emitted.status, valid: ghl.webhooks.verifyEd25519Signature(payload, emitted.signature, publicKey), spoilt: ghl.webhooks.verifyEd25519Signature(`${payload} `, emitted.signature, publicKey) };
}, (answer) => hold(answer.status === 200 && answer.valid && !answer.spoilt, `the signature holds: ${JSON.stringify(answer)}`));

const { publicKey } = await control('GET', '/webhook-key');
const subscriber = new HighLevel({ clientId: app.client_id, clientSecret: app.client_secret, logLevel: 'none', webhookPublicKey: publicKey });
await subscriber.getSessionStorage().setSession(companyId, made.tokens);
const listen = subscriber.webhooks.subscribe();
const received = [];
const server = http.createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part)).on('end', async () => {
    request.rawBody = Buffer.concat(parts);
    request.body = JSON.parse(request.rawBody);
    await listen(request, response, () => {});
    received.push({ valid: request.isSignatureValid, problem: request.installTokenError?.message });
    response.end('{}');
  });
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const send = async (webhook) => {
  await control('POST', '/webhooks', { appId: 'sdkapp', url: `http://127.0.0.1:${server.address().port}/`, ...webhook });
  return received.at(-1);
};
await check('webhooks.subscribe: INSTALL', () => send({ type: 'INSTALL', companyId, locationId: 'loc-2' }), async (answer) => {
  hold(answer.valid && !answer.problem, `it is taken: ${JSON.stringify(answer)}`);
  hold((await subscriber.contacts.getContacts({ locationId: 'loc-2', limit: 1 })).contacts.length === 1, 'the new location has a token that works');
});
await check('webhooks.subscribe: ContactUpdate, spoilt', () => send({ type: 'ContactUpdate', id: 'contact-1-02', fault: 'signature' }), (answer) => hold(answer.valid === false, 'it is not believed'));
await check('webhooks.subscribe: UNINSTALL', () => send({ type: 'UNINSTALL', companyId, locationId: 'loc-2' }), async (answer) => {
  hold(answer.valid && !(await subscriber.getSessionStorage().getSession('loc-2')), 'the token is forgotten');
});
process.exit(0);
