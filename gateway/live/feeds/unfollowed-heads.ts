/** With more rooms than this, all heads are forgotten. The reads that need them are then done again. */
const MAX_HEADS = 10_000;

/**
 * The announced heads of rooms without a feed. They are kept only while memberships are read: a message can arrive after
 * the read and before the feed of its room exists. The feed must then start with the knowledge of this message.
 */
export class UnfollowedHeads {
  readonly #heads = new Map<string, number>();
  #reads = 0;
  #forgottenAt = 0;

  /** Call this before a read, and {@link endRead} after its result is used. @returns the time, for {@link knowsSince} */
  beginRead(): number {
    this.#reads++;
    return performance.now();
  }

  endRead(): void {
    if (--this.#reads === 0) this.#heads.clear();
  }

  note(roomId: string, head: number): void {
    if (this.#reads === 0) return;
    if (this.#heads.size >= MAX_HEADS) this.#forget();
    this.#heads.set(roomId, Math.max(head, this.#heads.get(roomId) ?? 0));
  }

  /** True if every head that was announced since then is here. */
  knowsSince(time: number): boolean {
    return time > this.#forgottenAt;
  }

  /** Returns the last announced head of a room, or 0. */
  headOf(roomId: string): number {
    return this.#heads.get(roomId) ?? 0;
  }

  #forget(): void {
    this.#heads.clear();
    this.#forgottenAt = performance.now();
  }
}
