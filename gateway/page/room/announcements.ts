import type { CommittedMessage } from '../../../shared/client/room-view.ts';

/** A message waits this long for the name of its author. */
export const NAME_WAIT_MS = 3_000;

interface Waiting {
  message: CommittedMessage;
  sinceMs: number;
}

/** Decides which messages a screen reader speaks: each new one once. The history that loads is not new. */
export class Announcements {
  #newestSeq: number | undefined;
  #waiting: Waiting[] = [];

  /** Call this with all messages of a room after each change. The messages of the first call are not new. */
  note(messages: readonly CommittedMessage[], nowMs: number): void {
    const known = this.#newestSeq ?? Number.POSITIVE_INFINITY;
    const fresh = messages.filter(({ seq }) => seq > known);
    this.#newestSeq = Math.max(this.#newestSeq ?? 0, messages.at(-1)?.seq ?? 0);
    this.#waiting.push(...fresh.map((message) => ({ message, sinceMs: nowMs })));
  }

  /**
   * Takes the messages to speak now, in their order. One whose author has no name yet, and those after it, wait.
   * @param hasName whether the page knows the author
   */
  take(hasName: (message: CommittedMessage) => boolean, nowMs: number): CommittedMessage[] {
    const isReady = ({ message, sinceMs }: Waiting) => hasName(message) || nowMs - sinceMs >= NAME_WAIT_MS;
    const stop = this.#waiting.findIndex((each) => !isReady(each));
    return this.#waiting.splice(0, stop === -1 ? this.#waiting.length : stop).map(({ message }) => message);
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }
}
