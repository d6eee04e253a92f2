/**
 * A queue that serves its users in turn: it gives one item of each user, then the next item of each. So a user with
 * thousands of waiting items delays another user by at most one item. The items of one user keep their order.
 */
export class Turns<T extends { userId: string }> {
  /** The users with waiting items. The first user has the next turn. */
  readonly #waiting = new Map<string, T[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @returns the number of items of this user */
  countOf(userId: string): number {
    return this.#waiting.get(userId)?.length ?? 0;
  }

  add(item: T): void {
    const items = this.#waiting.get(item.userId);
    if (items) items.push(item);
    else this.#waiting.set(item.userId, [item]);
    this.#size++;
  }

  /** Removes the next items. @param max the maximum number of items */
  take(max: number): T[] {
    const taken: T[] = [];
    // The loop also visits the users that it moves to the end, so it goes round until enough items are taken.
    for (const [userId, items] of this.#waiting) {
      if (taken.length === max) break;
      this.#waiting.delete(userId);
      taken.push(items.shift() as T);
      if (items.length > 0) this.#waiting.set(userId, items);
    }
    this.#size -= taken.length;
    return taken;
  }
}
