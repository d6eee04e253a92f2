import { Http } from '../../../shared/client/http.ts';
import { register } from './account-requests.ts';
import type { StoredSession } from './stored-session.ts';

// What the page does only in front of a gateway for development, which shows the mailed codes.

const POLL_INTERVAL_MS = 300;
const MAX_POLLS = 60;

const http = new Http({ url: location.origin, token: '' });
let isDevelopment: Promise<boolean> | undefined;

/** @returns true if the gateway shows the mailed codes. The answer is read once */
export function showsCodes(): Promise<boolean> {
  isDevelopment ??= http.request<{ showsCodes: boolean }>('GET', '/api/settings').then(
    ({ body }) => body.showsCodes,
    () => false,
  );
  return isDevelopment;
}

/**
 * Waits for the code that is mailed to this address.
 * @param since the time of the request for the code: an older code does not count
 * @returns the code, or undefined if none comes
 */
export async function readMailedCode(email: string, since: Date, signal: AbortSignal): Promise<string | undefined> {
  for (let poll = 0; poll < MAX_POLLS && !signal.aborted; poll++) {
    const { body } = await http.request<Mailed[]>('GET', `/api/mailed-codes/${encodeURIComponent(email)}`);
    const mailed = body.find(({ sentAt }) => new Date(sentAt) >= since);
    if (mailed) return mailed.code;
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
  return undefined;
}

/** Makes a new user with a random name, and logs in. */
export function continueAsGuest(): Promise<StoredSession> {
  const number = crypto.getRandomValues(new Uint32Array(2)).join('');
  const animal = ANIMALS[Number(number.at(-1))] ?? 'Otter';
  const email = `guest-${number}@example.com`;
  return register({ firstName: animal, lastName: `Guest ${number.slice(0, 3)}`, email, password: crypto.randomUUID() });
}

interface Mailed {
  code: string;
  sentAt: string;
}

const ANIMALS = ['Otter', 'Heron', 'Badger', 'Falcon', 'Beaver', 'Marten', 'Magpie', 'Salmon', 'Turtle', 'Walrus'];
