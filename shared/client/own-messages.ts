import type { Outcome, Pending } from './outbox.ts';
import type { Message } from './protocol.ts';
import type { Refused } from './refused.ts';

/** A message of the user that is not in the history yet. */
export interface OwnMessage {
  ref: string;
  roomId: string;
  text: string;
  /** `committed`: the gateway has acknowledged it. It appears in the history soon, as the message `seq`. */
  state: 'sending' | 'committed' | 'failed';
  seq?: number | undefined;
  /** Why it failed. */
  refused?: Refused | undefined;
}

/** The messages of the user in one room, from the sending to their place in the history. */
export class OwnMessages {
  readonly #roomId: string;
  readonly #messages = new Map<string, OwnMessage>();

  constructor(roomId: string) {
    this.#roomId = roomId;
  }

  get list(): OwnMessage[] {
    return [...this.#messages.values()];
  }

  /** @returns true if it is a message in this room */
  add({ ref, command }: Pending): boolean {
    if (command.command !== 'CreateMessage' || command.roomId !== this.#roomId) return false;
    this.#messages.set(ref, { ref, roomId: command.roomId, text: command.text, state: 'sending' });
    return true;
  }

  /** @returns true if it is a message in this room */
  complete({ ref, ack, refused }: Outcome): boolean {
    const message = this.#messages.get(ref);
    if (!message) return false;
    this.#messages.set(ref, { ...message, state: ack ? 'committed' : 'failed', seq: ack?.seq, refused });
    return true;
  }

  /** Removes a failed message. @returns it */
  remove(ref: string): OwnMessage | undefined {
    const message = this.#messages.get(ref);
    if (message?.state !== 'failed') return undefined;
    this.#messages.delete(ref);
    return message;
  }

  /** Forgets the messages that the history has. @param seq the history has everything up to this message */
  settle(history: readonly Message[], seq: number, userId: string | undefined): void {
    for (const message of this.#messages.values()) {
      const isSame = ({ ref, userId: author }: Message) => ref === message.ref && author === userId;
      const isThere = message.seq ? message.seq <= seq : history.some(isSame);
      if (isThere) this.#messages.delete(message.ref);
    }
  }
}
