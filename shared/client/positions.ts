import { MAX_FRAME_BYTES, type Message, type Resume, type Welcome } from './protocol.ts';

/**
 * `next`: the message follows the last one. `known`: the client has it. `gap`: messages before it are missing. `jump`:
 * it makes the user a member again, and the messages before it are not for this user.
 */
export type Verdict = 'next' | 'known' | 'gap' | 'jump';

interface Position {
  seq: number;
  /** False after the membership has ended. A late copy of an older message is then still known. */
  isMember: boolean;
}

/** A position takes at most 60 bytes of a frame: an id of 36 bytes, a seq of 16 digits, and punctuation. */
const MAX_ROOMS_OF_FRAME = Math.floor((MAX_FRAME_BYTES - 200) / 60);

/** The seq of the last message that the client has, for each room. The next message has the next seq. */
export class Positions {
  epoch: string | undefined;
  userId: string | undefined;
  readonly #positions = new Map<string, Position>();

  /** @returns the last seq of the room, if the user is a member */
  of(roomId: string): number | undefined {
    const position = this.#positions.get(roomId);
    return position?.isMember ? position.seq : undefined;
  }

  /** The rooms of which the user is a member. */
  get roomIds(): string[] {
    return [...this.#positions.keys()].filter((id) => this.of(id) !== undefined);
  }

  set(roomId: string, seq: number): void {
    this.#positions.set(roomId, { seq, isMember: true });
  }

  remove(roomId: string): void {
    this.#positions.delete(roomId);
  }

  judge(message: Message): Verdict {
    const { seq, isMember } = this.#positions.get(message.roomId) ?? { seq: 0, isMember: false };
    if (seq >= message.seq) return 'known';
    if (isMember && message.seq === seq + 1) return 'next';
    return startsMembership(message, this.userId) ? 'jump' : 'gap';
  }

  /** The client has this message, which {@link judge} found `next` or `jump`. */
  advance(message: Message): void {
    this.#positions.set(message.roomId, { seq: message.seq, isMember: !endsMembership(message, this.userId) });
  }

  /** Takes over the rooms of the user. The stream of a new room begins where the gateway says. */
  welcome({ user, epoch, rooms }: Welcome): void {
    if (epoch !== this.epoch) this.#positions.clear();
    for (const { id, seq, since } of rooms) {
      if (this.of(id) !== undefined) continue;
      this.set(id, this.epoch === epoch && since ? since - 1 : seq);
    }
    this.userId = user.id;
    this.epoch = epoch;
  }

  /** Makes the frames that ask for everything after the positions. @param roomIds the default is every room */
  resume(roomIds?: string[]): Resume[] {
    const ids = [...(roomIds ?? this.roomIds)];
    const frames: Resume[] = [];
    do {
      const rooms = Object.fromEntries(ids.splice(0, MAX_ROOMS_OF_FRAME).map((id) => [id, this.of(id) as number]));
      const more = ids.length > 0 || undefined;
      frames.push({ command: 'Resume', epoch: this.epoch, rooms, more });
    } while (ids.length > 0);
    return frames;
  }
}

export function startsMembership({ command, targetId, userId }: Message, ownId: string | undefined): boolean {
  return (command === 'AddUser' && targetId === ownId) || (command === 'CreateRoom' && userId === ownId);
}

export function endsMembership({ command, targetId }: Message, ownId: string | undefined): boolean {
  return (command === 'RemoveUser' && targetId === ownId) || command === 'DeleteRoom';
}
