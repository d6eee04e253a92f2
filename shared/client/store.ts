/** The part of `navigator.locks` that the client uses. */
export interface Locks {
  request<T>(name: string, options: { ifAvailable?: boolean }, task: (lock: unknown) => Promise<T>): Promise<T>;
}

/**
 * Keeps what must survive a reload: commands without an outcome, and positions. The keys and the values are texts. A
 * store belongs to one user.
 */
export interface Store {
  /** @returns the entries whose key begins with the prefix */
  entries(prefix: string): Promise<[key: string, value: string][]>;
  /** Changes all of these entries or none. Undefined removes an entry. Resolves when the change survives a crash. */
  change(changes: Record<string, string | undefined>): Promise<void>;
  /** Locks over all tabs with this store. Without locks, one client at a time must use the store. */
  locks?: Locks | undefined;
}

/** A store that is empty after a reload. */
export class MemoryStore implements Store {
  readonly locks: Locks | undefined;
  readonly #entries = new Map<string, string>();

  /** @param locks if several clients use this store */
  constructor(locks?: Locks) {
    this.locks = locks;
  }

  async entries(prefix: string): Promise<[string, string][]> {
    return [...this.#entries].filter(([key]) => key.startsWith(prefix));
  }

  async change(changes: Record<string, string | undefined>): Promise<void> {
    for (const [key, value] of Object.entries(changes)) {
      if (value === undefined) this.#entries.delete(key);
      else this.#entries.set(key, value);
    }
  }
}
