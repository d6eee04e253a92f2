/** With more values, a Set needs less time. */
const MAX_VALUES_OF_ARRAY = 16;
const NOTHING: readonly never[] = [];

/**
 * A set that needs little memory while it has few values: a Set with one value needs 230 bytes. Most users have one
 * socket and few rooms. If it changes while it is iterated: with up to 16 values, the iteration does not notice it.
 */
export class SmallSet<Value> {
  #values: readonly Value[] | Set<Value> = NOTHING;

  get size(): number {
    return this.#values instanceof Set ? this.#values.size : this.#values.length;
  }

  has(value: Value): boolean {
    return this.#values instanceof Set ? this.#values.has(value) : this.#values.includes(value);
  }

  add(value: Value): void {
    if (this.#values instanceof Set) this.#values.add(value);
    else if (this.#values.includes(value)) return;
    else if (this.#values.length >= MAX_VALUES_OF_ARRAY) this.#values = new Set([...this.#values, value]);
    // `push`, and a spread too, would reserve memory for further values.
    else this.#values = this.#values.concat([value]);
  }

  /** @returns false if the value was not in the set */
  delete(value: Value): boolean {
    if (this.#values instanceof Set) return this.#values.delete(value);
    const kept = this.#values.filter((each) => each !== value);
    const isDeleted = kept.length < this.#values.length;
    if (isDeleted) this.#values = kept;
    return isDeleted;
  }

  [Symbol.iterator](): Iterator<Value> {
    return this.#values[Symbol.iterator]();
  }
}
