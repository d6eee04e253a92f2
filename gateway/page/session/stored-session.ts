/** The session of this browser, as it is kept over reloads. */
export interface StoredSession {
  token: string;
  userId: string;
}

/** All tabs share this entry. */
const KEY = 'rooms.session';

/** @returns the stored session, if there is a complete one */
export function readSession(storage: Storage = localStorage): StoredSession | undefined {
  try {
    const { token, userId } = JSON.parse(storage.getItem(KEY) ?? '{}');
    if (typeof token === 'string' && typeof userId === 'string') return { token, userId };
  } catch {
    storage.removeItem(KEY);
  }
  return undefined;
}

export function keepSession(session: StoredSession, storage: Storage = localStorage): void {
  storage.setItem(KEY, JSON.stringify(session));
}

export function forgetSession(storage: Storage = localStorage): void {
  storage.removeItem(KEY);
}

/** Calls the listener when another tab logs in or out. */
export function onOtherTab(listener: () => void): void {
  addEventListener('storage', ({ key }) => (key === KEY || key === null) && listener());
}
