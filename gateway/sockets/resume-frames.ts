import { Refusal } from '../../shared/contract/errors.ts';
import { limits } from '../../shared/contract/limits.ts';
import type { Resume } from '../../shared/contract/resume.ts';
import type { ResumeRequest } from '../live/resume/room-plan.ts';

/** What the client has, by one `Resume` frame or several. */
export interface CollectedResume {
  epoch: string | undefined;
  positions: Map<string, number>;
  most: number;
}

/** Collects the `Resume` frames of a socket that attaches. */
export class ResumeFrames {
  /** Resolves with the last frame. Rejects with Refusal `unavailable` if the socket closes before. */
  readonly complete: Promise<CollectedResume>;
  isComplete = false;
  readonly #positions = new Map<string, number>();
  readonly #resolve: (resume: CollectedResume) => void;
  readonly #reject: (refusal: Refusal) => void;

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<CollectedResume>();
    // The socket can close before anybody waits for its frames.
    promise.catch(() => undefined);
    this.complete = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Call this when the socket has closed. */
  close(): void {
    this.#reject(new Refusal('unavailable'));
  }

  /** The `epoch` and `most` of the last frame count. @throws Refusal `too_long` */
  add({ epoch, rooms, most, more }: Resume): void {
    const positions = Object.entries(rooms);
    if (this.#positions.size + positions.length > limits.MAX_RESUMED_ROOMS)
      throw new Refusal('too_long', { field: 'rooms', bound: limits.MAX_RESUMED_ROOMS });
    for (const [roomId, seq] of positions) this.#positions.set(roomId, seq);
    if (more) return;
    this.isComplete = true;
    this.#resolve({ epoch, positions: this.#positions, most: mostOf(most) });
  }
}

/** Makes a request of a frame on an open socket. @param epochNow the id of the database */
export function requestOf({ epoch, rooms, most }: Resume, epochNow: string): ResumeRequest {
  return { positions: new Map(Object.entries(rooms)), isSameEpoch: epoch === epochNow, most: mostOf(most) };
}

function mostOf(most: number | undefined): number {
  return Math.min(most ?? limits.MAX_REPLAYED_MESSAGES, limits.MAX_REPLAYED_MESSAGES);
}
