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

  /**
   * Removes the next items, until they cost `max`. The last item may cost more than what is left.
   * @param costOf returns what an item costs. By default each costs 1, so `max` is the maximum number of items
   */
  take(max: number, costOf: (item: T) => number = () => 1): T[] {
    const taken: T[] = [];
    let cost = 0;
    // The loop also visits the users that it moves to the end, so it goes round until enough items are taken.
    for (const [userId, items] of this.#waiting) {
      if (cost >= max) break;
      this.#waiting.delete(userId);
      const item = items.shift() as T;
      cost += costOf(item);
      taken.push(item);
      if (items.length > 0) this.#waiting.set(userId, items);
    }
    this.#size -= taken.length;
    return taken;
  }
}
