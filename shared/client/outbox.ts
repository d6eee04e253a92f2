import { atLeast } from './backoff.ts';
import { type Ack, type Command, type ErrorFrame, MAX_FRAME_BYTES } from './protocol.ts';
import { Refused } from './refused.ts';
import type { Store } from './store.ts';
import { StoredCommands } from './stored-commands.ts';

/** The gateway keeps at most 100 commands of a socket that still attaches. */
const MAX_IN_FLIGHT = 50;
const MAX_COMMANDS = 1_000;
const FIRST_RETRY_SECONDS = 0.5;
const MAX_RETRY_SECONDS = 4;
/** A command that ends the worker is refused as `internal`. It must not be sent without end. */
const MAX_INTERNAL_REFUSALS = 5;

/** A command without an outcome. */
export interface Pending {
  readonly ref: string;
  readonly command: Command;
}

/** The true outcome of a command: either it is committed, or it is refused and has no effect. */
export type Outcome = Pending & ({ ack: Ack; refused?: undefined } | { ack?: undefined; refused: Refused });

/** A connection, as the outbox uses it. */
export interface Sender {
  /** True if no new command may be sent. */
  readonly isLeaving: boolean;
  send(frame: object): void;
}

export interface OutboxOptions {
  store: Store;
  /** The command waits for its outcome from now on. */
  onPending(pending: Pending): void;
  onOutcome(outcome: Outcome): void;
  /** A command needs a new token. */
  onLogin(code: string): void;
  /** The store does not work. */
  onError(error: unknown): void;
}

interface Entry extends Pending {
  /** The connection that has sent the command and may still bring the outcome. */
  sender: Sender | undefined;
  isStored: boolean;
  refusals: number;
  internalRefusals: number;
  promise: PromiseWithResolvers<Ack>;
}

/**
 * The commands without an outcome. The commands to one room are sent one after the other: each waits for the outcome of
 * the one before. So a command never overtakes an earlier one that was refused as `busy` or lost with its connection.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #stored: StoredCommands;
  readonly #opened: Promise<void>;
  /** In the order in which they were added. */
  readonly #entries = new Map<string, Entry>();
  /** The rooms whose commands wait before they are sent again. `*` stands for all rooms. */
  readonly #pauses = new Map<string, ReturnType<typeof setTimeout>>();
  #sender: Sender | undefined;
  #order = Date.now();
  #isClosed = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#stored = new StoredCommands(options.store);
    this.#opened = this.#stored.open().then(() => this.#adopt());
    this.#opened.catch(options.onError);
  }

  get pending(): Pending[] {
    return [...this.#entries.values()].map(({ ref, command }) => ({ ref, command }));
  }

  /** Resolves when the commands of the store are known. */
  opened(): Promise<void> {
    return this.#opened;
  }

  /**
   * Stores the command, and sends it when there is a connection.
   * @param ref the same ref again, in the same room, has no second effect
   * @returns when the command is committed
   * @throws Refused the final refusal. `closed`: the outcome is not known, and the command stays in the store
   */
  async add(command: Command, ref: string): Promise<Ack> {
    // A character has at most three bytes. The gateway would end the connection, not only refuse the command.
    if (JSON.stringify(command).length * 3 > MAX_FRAME_BYTES - 100) throw new Refused('too_long', { field: 'text' });
    await this.#opened;
    if (this.#isClosed) throw new Refused('closed', { retry: 'same_ref' });
    const existing = this.#entries.get(ref);
    if (existing && JSON.stringify(existing.command) !== JSON.stringify(command)) throw new Refused('ref_reused');
    if (existing) return existing.promise.promise;
    if (this.#entries.size >= MAX_COMMANDS) throw new Refused('outbox_full', { bound: MAX_COMMANDS });
    const entry = this.#append(ref, command);
    await this.#save(entry);
    this.pump();
    return entry.promise.promise;
  }

  /** Takes over the commands of tabs that were closed. */
  adopt(): void {
    this.#adopt().catch(this.#options.onError);
  }

  /** New commands go to this connection. */
  use(sender: Sender): void {
    this.#sender = sender;
    this.pump();
  }

  /** This connection brings no more outcomes. Its commands are sent again with the same ref. */
  lose(sender: Sender): void {
    if (this.#sender === sender) this.#sender = undefined;
    for (const entry of this.#entries.values()) if (entry.sender === sender) entry.sender = undefined;
    this.pump();
  }

  /** True if a command has no outcome that this connection may still bring. */
  waitsFor(sender: Sender): boolean {
    return [...this.#entries.values()].some((entry) => entry.sender === sender);
  }

  ack(ack: Ack): void {
    const entry = this.#entries.get(ack.ref ?? '');
    if (!entry) return;
    entry.promise.resolve(ack);
    this.#finish(entry, { ...pendingOf(entry), ack });
  }

  refuse(frame: ErrorFrame): void {
    const entry = this.#entries.get(frame.ref ?? '');
    if (!entry) return;
    const refused = new Refused(frame.code, frame);
    const isFinal = refused.code === 'internal' && entry.internalRefusals++ >= MAX_INTERNAL_REFUSALS;
    if (!isFinal && /same_ref|after_login/.test(refused.retry)) return void this.#repeat(entry, refused);
    this.#reject(entry, refused);
  }

  /** Sends every command that may be sent now. */
  pump(): void {
    const sender = this.#sender;
    if (!sender || sender.isLeaving || this.#pauses.has('*')) return;
    const busyRooms = new Set(this.#pauses.keys());
    let inFlight = [...this.#entries.values()].filter((entry) => entry.sender).length;
    for (const entry of this.#entries.values()) {
      const room = roomOf(entry.command);
      if (!busyRooms.has(room) && entry.isStored && !entry.sender && inFlight < MAX_IN_FLIGHT) {
        entry.sender = sender;
        inFlight++;
        sender.send({ ...entry.command, ref: entry.ref });
      }
      busyRooms.add(room);
    }
  }

  /** Rejects the promises as `closed`. The commands stay in the store. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#sender = undefined;
    for (const timer of this.#pauses.values()) clearTimeout(timer);
    for (const { promise } of this.#entries.values()) promise.reject(new Refused('closed', { retry: 'same_ref' }));
    await this.#opened.catch(() => undefined);
    this.#stored.close();
  }

  async #adopt(): Promise<void> {
    for (const { ref, command, order } of await this.#stored.adopt()) {
      this.#order = Math.max(this.#order, order);
      if (!this.#entries.has(ref)) this.#append(ref, command).isStored = true;
    }
    this.pump();
  }

  #append(ref: string, command: Command): Entry {
    const promise = Promise.withResolvers<Ack>();
    // Nobody waits for the promise of a command from before a reload.
    promise.promise.catch(() => undefined);
    const entry: Entry = {
      ...{ ref, command, promise, sender: undefined, isStored: false },
      ...{ refusals: 0, internalRefusals: 0 },
    };
    this.#entries.set(ref, entry);
    this.#options.onPending({ ref, command });
    return entry;
  }

  /** A command that cannot be stored is not sent. */
  async #save(entry: Entry): Promise<void> {
    try {
      await this.#stored.save(entry.ref, entry.command, ++this.#order);
      entry.isStored = true;
    } catch (error) {
      this.#options.onError(error);
      this.#reject(entry, new Refused('store_failed', { retry: 'new_ref' }));
    }
  }

  /** The outcome is reported before the store forgets the command: after a crash it is reported again. */
  #finish(entry: Entry, outcome: Outcome): void {
    this.#entries.delete(entry.ref);
    this.#options.onOutcome(outcome);
    this.#stored.remove(entry.ref).catch(this.#options.onError);
    this.pump();
  }

  #reject(entry: Entry, refused: Refused): void {
    entry.promise.reject(refused);
    this.#finish(entry, { ...pendingOf(entry), refused });
  }

  #repeat(entry: Entry, { code, retry, retryAfter = 0 }: Refused): void {
    const seconds = Math.min(MAX_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** entry.refusals++);
    entry.sender = undefined;
    this.#pause(code === 'rate_limited' ? '*' : roomOf(entry.command), atLeast(Math.max(seconds, retryAfter)));
    if (retry === 'after_login') this.#options.onLogin(code);
  }

  #pause(room: string, ms: number): void {
    clearTimeout(this.#pauses.get(room));
    const end = () => {
      this.#pauses.delete(room);
      this.pump();
    };
    this.#pauses.set(room, setTimeout(end, ms));
  }
}

/** All `CreateRoom` commands count as one room, as in the server. */
const roomOf = (command: Command): string => ('roomId' in command ? command.roomId : '');

const pendingOf = ({ ref, command }: Entry): Pending => ({ ref, command });
