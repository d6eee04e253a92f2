import { resumeFrames } from '../resume-frames.ts';
import type { GotMessage } from './history.ts';

interface Head {
  id: string;
  seq: number;
}

/** What a user who resumes has of each room: the gateway sends everything after it. */
export class ResumedPositions {
  readonly #userId: string;
  readonly #positions = new Map<string, number>();
  #epoch: string | undefined;

  constructor(userId: string) {
    this.#userId = userId;
  }

  has(roomId: string, seq: number): boolean {
    return (this.#positions.get(roomId) ?? 0) >= seq;
  }

  /** The frames to send when the socket is open. */
  frames(): string[] {
    return resumeFrames(this.#epoch, this.#positions);
  }

  /**
   * Handles the Welcome of a new socket.
   * @returns for each room the seq after which its messages come, also for rooms that the user has left meanwhile. A room
   *   that the user joined meanwhile is not there: its messages begin with the one that adds the user. In another epoch,
   *   a room that the user knew is not there either: the gateway sends `Resync` for it.
   */
  open(epoch: string, rooms: Head[]): Map<string, number> {
    if (this.#epoch !== epoch) this.#beginEpoch(rooms);
    this.#epoch = epoch;
    return new Map(this.#positions);
  }

  receive({ roomId, seq, command, targetId }: GotMessage): void {
    if (command === 'RemoveUser' && targetId === this.#userId) this.#positions.delete(roomId);
    else this.#positions.set(roomId, seq);
  }

  /** The gateway does not send what is missing. */
  resync(roomId: string, seq: number): void {
    this.#positions.set(roomId, seq);
  }

  leave(roomId: string): void {
    this.#positions.delete(roomId);
  }

  #beginEpoch(rooms: Head[]): void {
    const unknown = rooms.filter(({ id }) => !this.#positions.has(id));
    this.#positions.clear();
    for (const { id, seq } of unknown) this.#positions.set(id, seq);
  }
}
