import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { SocketEvents } from './member.ts';

const POLL_AFTER_MS = 10;
const MAX_SILENCE_MS = 5_000;

interface Sending {
  sentAt: number;
  acked: (seq: number) => void;
}

/** Records when each message was sent, when it was acked and when each member received it. Acked: its `Ack` frame came. */
export class Ledger {
  /** The seq of each acked message, by its ref. */
  readonly acks = new Map<string, number>();
  readonly ackTimesMs: number[] = [];
  readonly deliveryTimesMs: number[] = [];
  readonly refusals: string[] = [];
  deliveries = 0;
  readonly #sendings = new Map<string, Sending>();

  get sent(): number {
    return this.#sendings.size;
  }

  /** Records what the sockets receive. */
  readonly events: SocketEvents = {
    acked: (ref, seq) => {
      const sending = this.#sendings.get(ref);
      if (!sending || this.acks.has(ref)) return;
      this.acks.set(ref, seq);
      this.ackTimesMs.push(performance.now() - sending.sentAt);
      sending.acked(seq);
    },
    delivered: (ref) => {
      this.deliveries++;
      const sending = this.#sendings.get(ref);
      if (sending) this.deliveryTimesMs.push(performance.now() - sending.sentAt);
    },
    refused: (ref, code) => {
      this.refusals.push(`${code} ${ref}`);
    },
  };

  /** Records that a message is sent now. @returns its new ref, and a promise that resolves when it is acked */
  recordSending(): { ref: string; acked: Promise<number> } {
    const ref = randomUUID();
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#sendings.set(ref, { sentAt: performance.now(), acked: resolve });
    return { ref, acked: promise };
  }

  /** Resolves when `deliveries` is the expected number, or after five seconds without a delivery. */
  async waitForDeliveries(expected: number): Promise<void> {
    let [lastCount, lastChange] = [this.deliveries, performance.now()];
    while (this.deliveries < expected && performance.now() - lastChange < MAX_SILENCE_MS) {
      await wait(POLL_AFTER_MS);
      if (this.deliveries !== lastCount) [lastCount, lastChange] = [this.deliveries, performance.now()];
    }
  }
}
