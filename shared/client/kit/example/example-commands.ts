import { randomUUID } from 'node:crypto';
import type { Ack, ErrorFrame } from '../../../contract/frames.ts';
import type { Order, Report } from '../client-under-test.ts';
import type { Faults } from './faults.ts';

interface Pending {
  key: number;
  command: { command: 'CreateMessage'; roomId: string; text: string; ref: string };
  /** The socket that may bring the outcome. */
  socket: WebSocket | undefined;
  refusals: number;
}

/** The commands of the example client without an outcome, in their order. */
export class ExampleCommands {
  readonly #report: (report: Report) => void;
  readonly #faults: Faults;
  readonly #pending = new Map<string, Pending>();
  #socket: WebSocket | undefined;

  constructor(report: (report: Report) => void, faults: Faults) {
    this.#report = report;
    this.#faults = faults;
  }

  add({ key, roomId, text }: Extract<Order, { do: 'send' }>): void {
    const ref = randomUUID();
    this.#pending.set(ref, {
      key,
      command: { command: 'CreateMessage', roomId, text, ref },
      socket: undefined,
      refusals: 0,
    });
    this.#sendAll();
  }

  /** Sends the commands that wait, and later ones, on this socket. */
  use(socket: WebSocket | undefined): void {
    this.#socket = socket;
    this.#sendAll();
  }

  lose(socket: WebSocket): void {
    for (const pending of this.#pending.values()) if (pending.socket === socket) pending.socket = undefined;
    if (this.#socket === socket) this.#socket = undefined;
    this.#sendAll();
  }

  isWaitingFor(socket: WebSocket): boolean {
    return [...this.#pending.values()].some((pending) => pending.socket === socket);
  }

  receive(frame: Ack | ErrorFrame): void {
    const pending = this.#pending.get(frame.ref ?? '');
    if (!pending) return;
    const { key } = pending;
    if (frame.command === 'Ack') this.#end(pending, { outcome: 'committed', key, seq: frame.seq });
    else this.#refused(pending, frame);
  }

  #refused(pending: Pending, { code, retry, retryAfter = 0 }: ErrorFrame): void {
    const isFinal = retry === 'no' || retry === 'new_ref';
    if (!isFinal || this.#faults.retriesRefusals) this.#sendLater(pending, retryAfter);
    else this.#end(pending, { outcome: 'refused', key: pending.key, code });
  }

  #sendLater(pending: Pending, retryAfter: number): void {
    const waitMs = Math.max(retryAfter * 1_000, Math.min(4_000, 500 * 2 ** pending.refusals++));
    setTimeout(() => {
      pending.socket = undefined;
      this.#sendAll();
    }, waitMs);
  }

  #end(pending: Pending, report: Report): void {
    this.#pending.delete(pending.command.ref);
    this.#report(report);
  }

  #sendAll(): void {
    for (const pending of this.#pending.values()) {
      if (!this.#socket || pending.socket) continue;
      if (this.#faults.forgetsRefs) this.#changeRef(pending);
      pending.socket = this.#socket;
      this.#socket.send(JSON.stringify(pending.command));
    }
  }

  #changeRef(pending: Pending): void {
    this.#pending.delete(pending.command.ref);
    pending.command.ref = randomUUID();
    this.#pending.set(pending.command.ref, pending);
  }
}
