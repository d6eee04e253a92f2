/** What one socket received of one sender. The messages of the sender have the numbers 0, 1, 2 and so on. */
export class DeliveryOrder {
  /** Messages that came more than once. */
  doubled = 0;
  /** Messages that came before an earlier message of the same sender. */
  outOfOrder = 0;
  #next = 0;
  /** The numbers above `#next` that have come. Undefined until the first message is out of order. */
  #early: Set<number> | undefined;

  add(number: number): void {
    if (number < this.#next || this.#early?.has(number)) {
      this.doubled++;
      return;
    }
    if (number > this.#next) {
      this.outOfOrder++;
      this.#early ??= new Set();
      this.#early.add(number);
      return;
    }
    this.#next++;
    while (this.#early?.delete(this.#next)) this.#next++;
  }

  /** @param sent how many messages the sender sent */
  lost(sent: number): number {
    return sent - this.#next - (this.#early?.size ?? 0);
  }
}
