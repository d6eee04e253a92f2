/** Calls listeners, in the order in which they were added. */
export class Events<T> {
  readonly #listeners = new Map<keyof T, Set<(event: never) => unknown>>();

  /** @returns a function that removes the listener */
  on<K extends keyof T>(name: K, listener: (event: T[K]) => unknown): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** An error of a listener does not disturb the others. It is thrown later, as an uncaught error. */
  emit<K extends keyof T>(name: K, event: T[K]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        listener(event as never);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
