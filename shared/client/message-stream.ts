import type { Message } from './protocol.ts';

export interface StreamOptions {
  /** The most messages that wait for the reader. */
  limit: number;
  /** The reader asks for the next message, so it has handled this one. */
  onHandled(message: Message): void;
  /** The stream was full, and now it takes messages again. */
  onRoom(): void;
  onClose(): void;
}

/** The messages of all rooms, for one reader. */
export class MessageStream implements AsyncIterableIterator<Message, undefined> {
  readonly #options: StreamOptions;
  readonly #queue: Message[] = [];
  #reading: Message | undefined;
  #wake: (() => void) | undefined;
  #isFull = false;
  #isClosed = false;
  #error: Error | undefined;

  constructor(options: StreamOptions) {
    this.#options = options;
  }

  /** True from the limit on, until half of the messages are read. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** True if the reader has not handled every message. */
  get hasUnread(): boolean {
    return this.#queue.length > 0 || this.#reading !== undefined;
  }

  push(message: Message): void {
    this.#queue.push(message);
    this.#isFull ||= this.#queue.length >= this.#options.limit;
    this.#wake?.();
  }

  /** @throws the error with which the client has closed */
  async next(): Promise<IteratorResult<Message, undefined>> {
    if (this.#reading) this.#options.onHandled(this.#reading);
    this.#reading = undefined;
    while (this.#queue.length === 0 && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#error) throw this.#error;
    this.#reading = this.#queue.shift();
    if (!this.#reading) return { done: true, value: undefined };
    if (this.#isFull && this.#queue.length <= this.#options.limit / 2) {
      this.#isFull = false;
      this.#options.onRoom();
    }
    return { done: false, value: this.#reading };
  }

  /** The reader has left the loop, perhaps with an error. So the message that it read last does not count as handled. */
  async return(): Promise<IteratorResult<Message, undefined>> {
    this.end();
    return { done: true, value: undefined };
  }

  /** Drops the messages that wait. The one that is being read never counts as handled. */
  clear(): void {
    this.#queue.length = 0;
    this.#isFull = false;
    this.#reading = undefined;
  }

  /** Drops the messages that wait. No message follows. */
  end(error?: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#error = error;
    this.clear();
    this.#wake?.();
    this.#options.onClose();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
