import { isMessage } from '../../../shared/client/protocol.ts';
import type { FrameLog, LogEntry } from './frame-log.ts';

const MAX_RECOVERIES = 50;

/** What the client got again after its connection was lost, or after a message was missing. */
export interface Recovery {
  number: number;
  /** Why the client was not live: a reason of the client library. */
  reason: string;
  /** In milliseconds since 1970. */
  began: number;
  /** Undefined until the client has everything. */
  ended: number | undefined;
  /** For each room, the messages that the page had missed. */
  rooms: readonly ReplayedRoom[];
  /** The messages that came a second time. The client ignored them. */
  copies: number;
}

interface ReplayedRoom {
  roomId: string;
  firstSeq: number;
  lastSeq: number;
  messages: number;
}

/** Watches the log for times in which the client was not live, and keeps what was replayed after each one. */
export class Recoveries {
  #recoveries: readonly Recovery[] = [];
  #count = 0;
  #wasLive = false;
  /**
   * The seq of each room in the `Welcome` of this connection. Later messages are new, not missed. Undefined while a gap
   * is filled: then every message was missed.
   */
  #heads: Map<string, number> | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(log: FrameLog) {
    log.read((entry) => this.#read(entry));
  }

  readonly getSnapshot = (): readonly Recovery[] => this.#recoveries;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #read({ kind, name, text, frame, place, time }: LogEntry): void {
    if (kind === 'state') return void this.#changeState(name, text, time);
    if (kind !== 'received' || !frame) return;
    if ('rooms' in frame && frame.command === 'Welcome') {
      this.#heads = new Map(frame.rooms.map(({ id, seq }) => [id, seq]));
      return;
    }
    if (!('createdAt' in frame) || !isMessage(frame)) return;
    if (place === 'copy') return void this.#change(({ copies }) => ({ copies: copies + 1 }));
    const { roomId, seq } = frame;
    if (place === 'next' && this.#wasMissed(roomId, seq)) this.#addReplayed(roomId, seq);
  }

  #changeState(state: string, reason: string, time: number): void {
    if (state === 'live') return void this.#becomeLive(time);
    if (this.#current || !this.#wasLive) return;
    if (state === 'recovering') this.#heads = undefined;
    const recovery = { number: ++this.#count, reason, began: time, ended: undefined, rooms: [], copies: 0 };
    this.#set([...this.#recoveries.slice(1 - MAX_RECOVERIES), recovery]);
  }

  #becomeLive(time: number): void {
    this.#wasLive = true;
    this.#change(() => ({ ended: time }));
  }

  #wasMissed(roomId: string, seq: number): boolean {
    return !this.#heads || seq <= (this.#heads.get(roomId) ?? 0);
  }

  get #current(): Recovery | undefined {
    const last = this.#recoveries.at(-1);
    return last?.ended === undefined ? last : undefined;
  }

  #addReplayed(roomId: string, seq: number): void {
    this.#change(({ rooms }) => {
      const room = rooms.find((each) => each.roomId === roomId);
      if (!room) return { rooms: [...rooms, { roomId, firstSeq: seq, lastSeq: seq, messages: 1 }] };
      const longer = { ...room, lastSeq: seq, messages: room.messages + 1 };
      return { rooms: rooms.map((each) => (each === room ? longer : each)) };
    });
  }

  #change(change: (recovery: Recovery) => Partial<Recovery>): void {
    const recovery = this.#current;
    if (recovery) this.#set([...this.#recoveries.slice(0, -1), { ...recovery, ...change(recovery) }]);
  }

  #set(recoveries: readonly Recovery[]): void {
    this.#recoveries = recoveries;
    for (const listener of this.#listeners) listener();
  }
}
