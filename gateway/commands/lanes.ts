import { fnv1a } from '../../shared/fnv1a.ts';
import { Lane, type LaneOptions, type PendingCommand } from './lane.ts';

export interface LanesOptions<C> extends LaneOptions<C> {
  /** The number of lanes. */
  count: number;
}

/**
 * The lanes of a gateway for one kind of batch. Commands with the same key use the same lane, so they keep their order.
 * @template C the type of the commands @template O the type of the outcomes
 */
export class Lanes<C, O extends object> {
  readonly #lanes: Lane<C, O>[];

  constructor({ count, ...options }: LanesOptions<C>) {
    this.#lanes = Array.from({ length: count }, (_, index) => new Lane(index, options));
  }

  /** The number of commands without an outcome. */
  get pending(): number {
    return this.#lanes.reduce((sum, { pending }) => sum + pending, 0);
  }

  /** Sends a command with the next batch of its lane. @param key commands with the same key keep their order */
  push(key: string, pendingCommand: PendingCommand<C, O>): void {
    this.#laneOf(key).push(pendingCommand);
  }

  /** Handles the reply to a batch. Ignores a second reply, and a reply to a batch that was given up. */
  complete(laneIndex: number, number: number, outcomes: O[]): void {
    this.#lanes[laneIndex]?.complete(number, outcomes);
  }

  /** Sends all batches in flight again at once. Call this when replies may be lost. */
  resend(): void {
    for (const lane of this.#lanes) lane.resend();
  }

  #laneOf(key: string): Lane<C, O> {
    const index = this.#lanes.length === 1 ? 0 : fnv1a(key) % this.#lanes.length;
    return this.#lanes[index] as Lane<C, O>;
  }
}
