import type { Locks, Store } from './store.ts';

// The types of browsers are not among the types of this project, so the few that are used here are below.

interface Request<T> {
  result: T;
  error: unknown;
  onsuccess: (() => void) | null;
  onerror: (() => void) | null;
}
interface Entries {
  getAllKeys(range: unknown): Request<string[]>;
  getAll(range: unknown): Request<string[]>;
  put(value: string, key: string): void;
  delete(key: string): void;
}
interface Transaction {
  error: unknown;
  oncomplete: (() => void) | null;
  onabort: (() => void) | null;
  objectStore(name: string): Entries;
}
interface Database {
  createObjectStore(name: string): void;
  transaction(name: string, mode: string, options?: object): Transaction;
}
interface Browser {
  indexedDB: { open(name: string, version: number): Request<Database> & { onupgradeneeded: (() => void) | null } };
  IDBKeyRange: { bound(first: string, last: string): unknown };
  navigator: { locks?: Locks };
}

const TABLE = 'entries';
const browser = globalThis as unknown as Browser;

/** Opens a store of this browser, which all tabs share. @param name for example with the id of the user */
export async function openIndexedDbStore(name = 'rooms'): Promise<Store> {
  const opening = browser.indexedDB.open(name, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(TABLE);
  return new IndexedDbStore(name, await resultOf(opening));
}

class IndexedDbStore implements Store {
  readonly locks: Locks | undefined;
  readonly #database: Database;

  constructor(name: string, database: Database) {
    const { locks } = browser.navigator;
    this.locks = locks && { request: (lock, ...rest) => locks.request(`${name}/${lock}`, ...rest) };
    this.#database = database;
  }

  async entries(prefix: string): Promise<[string, string][]> {
    const entries = this.#database.transaction(TABLE, 'readonly').objectStore(TABLE);
    const range = browser.IDBKeyRange.bound(prefix, `${prefix}\uffff`);
    const [keys, values] = await Promise.all([resultOf(entries.getAllKeys(range)), resultOf(entries.getAll(range))]);
    return keys.map((key, index) => [key, values[index] as string]);
  }

  change(changes: Record<string, string | undefined>): Promise<void> {
    // `strict` waits until the disk has the change.
    const transaction = this.#database.transaction(TABLE, 'readwrite', { durability: 'strict' });
    const entries = transaction.objectStore(TABLE);
    for (const [key, value] of Object.entries(changes)) {
      if (value === undefined) entries.delete(key);
      else entries.put(value, key);
    }
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
  }
}

function resultOf<T>(request: Request<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
