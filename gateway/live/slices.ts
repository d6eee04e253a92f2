/** A slice takes about this time. Others wait for one slice each time that they wait for Postgres or Redis. */
export const SLICE_MS = 2;
/** Short work does not wait for a slice. */
const ITEMS_AT_ONCE = 100;

/**
 * Does long work in slices, so that it does not stop the event loop. Each turn of the event loop has one slice. Tasks
 * that run at the same time get their slices in turn.
 */
export class Slices {
  readonly #waiting: (() => void)[] = [];

  /**
   * Calls `step` for each item, and resolves after the last one. Work of up to 100 items is done before this method
   * returns. Items that are added to a Set or a Map meanwhile are done too.
   */
  async run<Item>(items: Iterable<Item>, step: (item: Item) => void): Promise<void> {
    const iterator = items[Symbol.iterator]();
    let count = 0;
    let isDone = runWhile(iterator, step, () => count++ < ITEMS_AT_ONCE);
    while (!isDone) {
      await this.nextSlice();
      const end = performance.now() + SLICE_MS;
      isDone = runWhile(iterator, step, () => performance.now() < end);
    }
  }

  /** Waits for a slice. The caller then works for at most about `SLICE_MS`. */
  nextSlice(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === 1) setImmediate(this.#startSlice);
    });
  }

  readonly #startSlice = (): void => {
    if (this.#waiting.length > 1) setImmediate(this.#startSlice);
    this.#waiting.shift()?.();
  };
}

/** @returns true if all items are done */
function runWhile<Item>(iterator: Iterator<Item>, step: (item: Item) => void, mayContinue: () => boolean): boolean {
  while (mayContinue()) {
    const next = iterator.next();
    if (next.done) return true;
    step(next.value);
  }
  return false;
}
