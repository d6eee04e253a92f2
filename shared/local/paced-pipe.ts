import type { Socket } from 'node:net';

const MAX_WAITING_BYTES = 256 * 1024;

/** The speed of a slow network. */
export interface Pace {
  /** How long each byte is on its way, in one direction. */
  delayMs: number;
  bytesPerSecond: number;
}

interface Parcel {
  leavesAtMs: number;
  /** Without bytes, it is the end of the connection. */
  bytes: Buffer | undefined;
}

/** Carries bytes from one socket to another, at once or as slowly as the pace says. Keeps their order. */
export class PacedPipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #readPace: () => Pace | undefined;
  readonly #waiting: Parcel[] = [];
  #waitingBytes = 0;
  /** When the last byte has left the sender. */
  #sentAtMs = 0;
  #leavesAtMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param readPace called for each write. Without a pace, bytes leave at once. */
  constructor(from: Socket, to: Socket, readPace: () => Pace | undefined) {
    this.#from = from;
    this.#to = to;
    this.#readPace = readPace;
    to.on('drain', () => from.resume());
    to.on('close', () => clearTimeout(this.#timer));
  }

  write(bytes: Buffer): void {
    this.#send(bytes);
    if (this.#waitingBytes > MAX_WAITING_BYTES) this.#from.pause();
  }

  /** Ends the connection after all bytes that wait. */
  end(): void {
    this.#send(undefined);
  }

  #send(bytes: Buffer | undefined): void {
    const now = performance.now();
    const { delayMs, bytesPerSecond } = this.#readPace() ?? { delayMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY };
    this.#sentAtMs = Math.max(now, this.#sentAtMs) + ((bytes?.length ?? 0) / bytesPerSecond) * 1_000;
    this.#leavesAtMs = Math.max(this.#leavesAtMs, this.#sentAtMs + delayMs);
    if (this.#waiting.length === 0 && this.#leavesAtMs <= now) this.#deliver(bytes);
    else this.#keep({ leavesAtMs: this.#leavesAtMs, bytes }, now);
  }

  #keep(parcel: Parcel, now: number): void {
    this.#waiting.push(parcel);
    this.#waitingBytes += parcel.bytes?.length ?? 0;
    this.#timer ??= setTimeout(() => this.#deliverDue(), parcel.leavesAtMs - now);
  }

  #deliverDue(): void {
    this.#timer = undefined;
    const now = performance.now();
    const due = this.#waiting.findIndex(({ leavesAtMs }) => leavesAtMs > now);
    for (const { bytes } of this.#waiting.splice(0, due < 0 ? this.#waiting.length : due)) {
      this.#waitingBytes -= bytes?.length ?? 0;
      this.#deliver(bytes);
    }
    const next = this.#waiting[0];
    if (next) this.#timer = setTimeout(() => this.#deliverDue(), next.leavesAtMs - now);
    if (this.#waitingBytes <= MAX_WAITING_BYTES && !this.#to.writableNeedDrain) this.#from.resume();
  }

  #deliver(bytes: Buffer | undefined): void {
    if (!bytes) this.#to.destroySoon();
    else if (!this.#to.write(bytes)) this.#from.pause();
  }
}
