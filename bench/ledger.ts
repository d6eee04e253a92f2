import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Ears } from './member.ts';

interface Sending {
  at: number;
  acked: (seq: number) => void;
}

/** Every message of a run: when it was sent, and what came of it. */
export class Ledger {
  readonly acks = new Map<string, number>();
  readonly ackTimes: number[] = [];
  readonly deliveryTimes: number[] = [];
  readonly refusals: string[] = [];
  deliveries = 0;
  readonly #sent = new Map<string, Sending>();

  get sent(): number {
    return this.#sent.size;
  }

  readonly ears: Ears = {
    acked: (ref, seq) => {
      const sending = this.#sent.get(ref);
      if (!sending || this.acks.has(ref)) return;
      this.acks.set(ref, seq);
      this.ackTimes.push(performance.now() - sending.at);
      sending.acked(seq);
    },
    delivered: (ref) => {
      this.deliveries++;
      const sending = this.#sent.get(ref);
      if (sending) this.deliveryTimes.push(performance.now() - sending.at);
    },
    refused: (ref, code) => {
      this.refusals.push(`${code} ${ref}`);
    },
  };

  /** Notes a new message as sent now. @returns its ref, and what settles when it is acked */
  enter(): { ref: string; acked: Promise<number> } {
    const ref = randomUUID();
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#sent.set(ref, { at: performance.now(), acked: resolve });
    return { ref, acked: promise };
  }

  /** Waits until there were so many deliveries, or none has come for five seconds. */
  async delivered(expected: number): Promise<void> {
    let last = -1;
    for (let quiet = 0; this.deliveries < expected && quiet < 500; quiet++) {
      if (this.deliveries !== last) quiet = 0;
      last = this.deliveries;
      await wait(10);
    }
  }
}
