import { Refusal } from '../../shared/contract/errors.ts';
import { limits } from '../../shared/contract/limits.ts';

const BYTES_OF_MEGABYTE = 1024 * 1024;

/** A command of a socket that is not attached yet. */
export interface WaitingCommand {
  /** The size of its frame. */
  bytes: number;
  submit: () => void;
}

/**
 * Bounds the commands that wait until their sockets are attached, in number and bytes, for all sockets of a gateway
 * together. Without a bound, a gateway would keep all that its clients send while Postgres does not answer.
 */
export class WaitingCommands {
  #count = 0;
  #bytes = 0;

  /** @param queue the commands of the socket @throws Refusal `busy` */
  add(queue: WaitingCommand[], command: WaitingCommand): void {
    const isFull =
      queue.length >= limits.MAX_UNATTACHED_OF_SOCKET ||
      this.#count >= limits.MAX_UNATTACHED_COMMANDS ||
      this.#bytes + command.bytes > limits.MAX_UNATTACHED_MEGABYTES * BYTES_OF_MEGABYTE;
    if (isFull) throw new Refusal('busy');
    queue.push(command);
    this.#count++;
    this.#bytes += command.bytes;
  }

  /** Removes the commands of a socket. Call this when the socket is attached or closed. @returns the commands */
  take(queue: WaitingCommand[]): WaitingCommand[] {
    const taken = queue.splice(0);
    this.#count -= taken.length;
    for (const { bytes } of taken) this.#bytes -= bytes;
    return taken;
  }
}
