// What the checks of the vendor's client share. Arguments of each: BASE_URL TOKEN SERVER_KEY. Each line of output is one operation: {"operation", "ok", "problem"?}.
import { createRequire } from 'node:module';

export const { HighLevel } = createRequire(import.meta.url)('@gohighlevel/api-client');
export const [baseUrl, token, serverKey] = process.argv.slice(2);
HighLevel.BASE_URL = baseUrl;
export const ghl = new HighLevel({ privateIntegrationToken: token, logLevel: 'none' });
export const locationId = 'loc-1';
export const companyId = 'co-1';

export function hold(condition, what) {
  if (!condition) {
    throw new Error(what);
  }
}

/** Calls, and checks what came of it; the answer is the operation's own. */
export async function check(operation, call, outcome) {
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
export async function refused(operation, call, status, outcome = () => true) {
  try {
    await call();
  } catch (error) {
    const got = error?.statusCode ?? error?.status ?? error?.response?.status;
    const ok = got === status && outcome(error);
    console.log(JSON.stringify({ operation, ok, problem: ok ? undefined : `refused with ${got}: ${error.message}` }));
    return;
  }
  console.log(JSON.stringify({ operation, ok: false, problem: 'it was not refused' }));
}

export const ids = (list) => list.map((item) => item.id ?? item._id);

/** The sandbox's control endpoint. */
export async function control(method, path, body) {
  const answer = await fetch(`${baseUrl.replace(/ghl$/, 'control')}/ghl${path}`, { method, headers: { authorization: `ApiKey ${serverKey}`, 'content-type': 'application/json' }, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
}
