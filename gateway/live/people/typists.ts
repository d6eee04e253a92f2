import { limits } from '../../../shared/contract/limits.ts';
import { firstOf } from './encode-people.ts';

/** A `Typing` frame that comes sooner after the last one of the same user and room is dropped. */
const MIN_BETWEEN_MS = 2_000;

/** The users who type in one room. */
export class Typists {
  /** When the last frame of each user was accepted. */
  readonly #acceptedAt = new Map<string, number>();
  /** The users of this gateway, and of other gateways, since the last frame to the sockets. */
  #local = new Set<string>();
  #remote = new Set<string>();

  /** @returns false if the last frame of the user was too short ago */
  accept(userId: string): boolean {
    const now = performance.now();
    if (now - (this.#acceptedAt.get(userId) ?? Number.NEGATIVE_INFINITY) < MIN_BETWEEN_MS) return false;
    this.#acceptedAt.delete(userId); // The newest user comes last.
    this.#acceptedAt.set(userId, now);
    this.#local.add(userId);
    return true;
  }

  addRemote(users: string[]): void {
    for (const userId of users) this.#remote.add(userId);
  }

  /** Returns those who typed since the last call: those of this gateway, and all. Each list is short. */
  take(): { local: string[]; all: string[]; count: number } {
    this.#forgetOld();
    const local = this.#local;
    const all = new Set([...local, ...this.#remote]);
    this.#local = new Set();
    this.#remote = new Set();
    return {
      local: firstOf(local, limits.MAX_SHOWN_TYPISTS),
      all: firstOf(all, limits.MAX_SHOWN_TYPISTS),
      count: local.size,
    };
  }

  #forgetOld(): void {
    const old = performance.now() - MIN_BETWEEN_MS;
    for (const [userId, acceptedAt] of this.#acceptedAt) {
      if (acceptedAt > old) return;
      this.#acceptedAt.delete(userId);
    }
  }
}
