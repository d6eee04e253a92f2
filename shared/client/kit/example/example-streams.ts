import type { Welcome } from '../../../contract/frames.ts';
import type { Message } from '../../../contract/messages.ts';
import type { Resume } from '../../../contract/resume.ts';
import type { Report } from '../client-under-test.ts';
import type { Faults } from './faults.ts';

/** A frame of 16 KB has space for this number of positions. */
const MAX_ROOMS_OF_FRAME = 250;

type StreamFrame = Message | { command: 'Left'; roomId: string } | { command: 'Heads'; rooms: Record<string, number> };

/** The position of the example client in each room. */
export class ExampleStreams {
  readonly #report: (report: Report) => void;
  readonly #faults: Faults;
  readonly #send: (frame: Resume) => void;
  readonly #positions = new Map<string, number>();
  /** Rooms for which a `Resume` is on its way. */
  readonly #filling = new Set<string>();
  /** The messages that come while the history of their room is loaded. */
  readonly #held = new Map<string, Message[]>();
  #epoch: string | undefined;
  #userId: string | undefined;
  #isNew = true;

  constructor(report: (report: Report) => void, faults: Faults, send: (frame: Resume) => void) {
    this.#report = report;
    this.#faults = faults;
    this.#send = send;
  }

  /** @returns the first frames of a socket */
  resumeFrames(): Resume[] {
    const positions = [...this.#positions];
    const frames: Resume[] = [];
    do {
      const rooms = Object.fromEntries(positions.splice(0, MAX_ROOMS_OF_FRAME));
      frames.push({ command: 'Resume', epoch: this.#epoch, rooms, ...(positions.length > 0 && { more: true }) });
    } while (positions.length > 0);
    return frames;
  }

  /** @returns the rooms to load, if the epoch is another one */
  welcome({ user, epoch, rooms, more }: Welcome): { roomId: string; seq: number }[] {
    const isOther = this.#epoch !== undefined && epoch !== this.#epoch;
    if (epoch !== this.#epoch) this.#isNew = true;
    this.#userId = user.id;
    this.#epoch = epoch;
    this.#filling.clear();
    for (const { id, seq, since = 0 } of rooms) {
      if (this.#positions.has(id) && !this.#faults.trustsWelcome) continue;
      this.#positions.set(id, this.#isNew || since === 0 || this.#faults.trustsWelcome ? seq : since - 1);
    }
    if (!more) this.#isNew = false;
    return isOther ? rooms.map(({ id, seq }) => ({ roomId: id, seq })) : [];
  }

  receive(frame: StreamFrame): void {
    if ('userId' in frame && 'seq' in frame) this.#receiveMessage(frame);
    else if (frame.command === 'Left') this.#positions.delete(frame.roomId);
    else if (frame.command === 'Heads') this.#compare(frame.rooms);
    else if ((frame as { command: string }).command === 'Resumed') this.#filling.clear();
  }

  /** A `Resume` on an open socket was refused. */
  resumeLater(seconds: number): void {
    const rooms = [...this.#filling];
    setTimeout(() => {
      this.#filling.clear();
      for (const roomId of rooms) this.#fill(roomId);
    }, seconds * 1_000);
  }

  /** Keeps the messages of the room until its history is there. */
  beginLoad(roomId: string, seq: number): void {
    this.#positions.set(roomId, seq);
    this.#held.set(roomId, []);
  }

  endLoad(roomId: string, seq: number): void {
    const held = this.#held.get(roomId) ?? [];
    this.#held.delete(roomId);
    for (const message of held) if (message.seq > seq) this.#report({ message });
    this.#positions.set(roomId, Math.max(seq, this.#positions.get(roomId) ?? 0));
  }

  #receiveMessage(message: Message): void {
    const { roomId, seq } = message;
    const position = this.#positions.get(roomId);
    const isKnown = position !== undefined && seq <= position;
    const isNext = seq === (position ?? Number.NaN) + 1 || this.#startsMembership(message);
    if (isKnown) return;
    if (isNext || this.#faults.ignoresGaps) this.#take(message);
    else this.#fill(roomId);
  }

  #take(message: Message): void {
    const { roomId, seq, command, targetId } = message;
    const held = this.#held.get(roomId);
    if (held) held.push(message);
    else this.#report({ message });
    const isEnd = command === 'DeleteRoom' || (command === 'RemoveUser' && targetId === this.#userId);
    if (isEnd) this.#positions.delete(roomId);
    else this.#positions.set(roomId, seq);
  }

  #compare(heads: Record<string, number>): void {
    if (this.#faults.ignoresGaps) return;
    for (const [roomId, head] of Object.entries(heads))
      if (head > (this.#positions.get(roomId) ?? head)) this.#fill(roomId);
  }

  #fill(roomId: string): void {
    const position = this.#positions.get(roomId);
    if (position === undefined || this.#filling.has(roomId)) return;
    this.#filling.add(roomId);
    this.#send({ command: 'Resume', epoch: this.#epoch, rooms: { [roomId]: position } });
  }

  #startsMembership({ command, targetId, userId }: Message): boolean {
    return command === 'AddUser' ? targetId === this.#userId : command === 'CreateRoom' && userId === this.#userId;
  }
}
