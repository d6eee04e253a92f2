import type { Frame, Message } from '../../../shared/client/protocol.ts';
import { isMessage } from '../../../shared/client/protocol.ts';

/** Older entries are forgotten. */
const MAX_ENTRIES = 1_000;
const NOTIFY_AFTER_MS = 50;

/**
 * What the client does with a message. `next`: it follows the last one of its room. `copy`: the client has it already.
 * `early`: a message before it is missing. `start`: the stream of the room begins with it.
 */
export type Place = 'next' | 'copy' | 'early' | 'start';

export interface LogEntry {
  /** 1, 2, 3 and so on. */
  number: number;
  /** `sent`, `received`: a frame. `state`: the state of the client changed. */
  kind: 'sent' | 'received' | 'state';
  /** Counts the connections of the client. */
  connection: number;
  /** In milliseconds since 1970. */
  time: number;
  /** The command of the frame, or the new state. */
  name: string;
  /** The frame as it was on the wire, or the reason of the new state. A filter searches it. */
  text: string;
  frame?: Frame | SentFrame | undefined;
  /** Only for a received message. */
  place?: Place | undefined;
}

/** A command or another frame that the client sent. */
interface SentFrame {
  command: string;
  ref?: string;
  roomId?: string;
}

/** Keeps the last frames of the client, in the order in which they came and went. */
export class FrameLog {
  /** @returns the seq of the last message of the room that the client has */
  positionOf: (roomId: string) => number | undefined = () => undefined;
  #entries: readonly LogEntry[] = [];
  #count = 0;
  #connection = 0;
  readonly #listeners = new Set<() => void>();
  readonly #readers = new Set<(entry: LogEntry) => void>();
  #isNotifying = false;

  readonly getSnapshot = (): readonly LogEntry[] => this.#entries;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Calls the reader with each new entry, before the client handles its frame. */
  read(reader: (entry: LogEntry) => void): void {
    this.#readers.add(reader);
  }

  /** Call this for each new connection. @returns its number */
  beginConnection(): number {
    return ++this.#connection;
  }

  /** Call this before the client handles the frame. */
  addReceived(connection: number, text: string): void {
    const frame = JSON.parse(text) as Frame;
    const place = isMessage(frame) ? this.#placeOf(frame) : undefined;
    this.#add({ kind: 'received', connection, name: frame.command, text, frame, place });
  }

  addSent(connection: number, text: string): void {
    const frame = JSON.parse(text) as SentFrame;
    this.#add({ kind: 'sent', connection, name: frame.command, text, frame });
  }

  addState(name: string, reason: string): void {
    this.#add({ kind: 'state', connection: this.#connection, name, text: reason });
  }

  clear(): void {
    this.#entries = [];
    this.#notify();
  }

  #placeOf({ roomId, seq }: Message): Place {
    const last = this.positionOf(roomId);
    if (last === undefined) return 'start';
    if (seq <= last) return 'copy';
    return seq === last + 1 ? 'next' : 'early';
  }

  #add(entry: Omit<LogEntry, 'number' | 'time'>): void {
    const numbered = { ...entry, number: ++this.#count, time: Date.now() };
    this.#entries = [...this.#entries.slice(1 - MAX_ENTRIES), numbered];
    for (const reader of this.#readers) reader(numbered);
    this.#notify();
  }

  /** Many frames in a short time are one notification. */
  #notify(): void {
    if (this.#isNotifying || this.#listeners.size === 0) return;
    this.#isNotifying = true;
    setTimeout(() => {
      this.#isNotifying = false;
      for (const listener of this.#listeners) listener();
    }, NOTIFY_AFTER_MS);
  }
}
