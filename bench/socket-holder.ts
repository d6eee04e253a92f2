import { join } from 'node:path';
import { HolderProcess } from './holder-process.ts';

/** How many sockets of a holder are open, and what they have received. */
export interface HeldSockets {
  open: number;
  /** How many sockets have received exactly one message. */
  withOneMessage: number;
  messages: number;
}

/** Open sockets in another process. One process has too few file descriptors for 100,000 sockets. */
export class SocketHolder {
  readonly #process: HolderProcess;

  private constructor(process: HolderProcess) {
    this.#process = process;
  }

  /** Resolves when each token has an open socket with a Welcome. */
  static async open(url: string, tokens: string[]): Promise<SocketHolder> {
    const program = [join(import.meta.dirname, 'hold-sockets.ts'), url];
    return new SocketHolder(await HolderProcess.open(program, tokens));
  }

  async count(): Promise<HeldSockets> {
    const [open, withOneMessage, messages] = (await this.#process.ask()).split(' ').map(Number);
    return { open: open as number, withOneMessage: withOneMessage as number, messages: messages as number };
  }

  close(): Promise<void> {
    return this.#process.close();
  }
}
