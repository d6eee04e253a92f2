import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** How many sockets of a holder are open, and what they have received. */
export interface HeldSockets {
  open: number;
  /** How many sockets have received exactly one message. */
  withOneMessage: number;
  messages: number;
}

/** Another process that holds open sockets. One process has too few file descriptors for 100,000 sockets. */
export class SocketHolder {
  readonly #child: ChildProcess & { stdin: NodeJS.WritableStream };
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess & { stdin: NodeJS.WritableStream }, lines: AsyncIterator<string>) {
    this.#child = child;
    this.#lines = lines;
  }

  /** Resolves when each token has an open socket with a Welcome. */
  static async open(url: string, tokens: string[]): Promise<SocketHolder> {
    const args = [join(import.meta.dirname, 'hold-sockets.ts'), url];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stdin.write(`${tokens.join('\n')}\n\n`);
    const holder = new SocketHolder(child, lines);
    await holder.#readLine();
    return holder;
  }

  async count(): Promise<HeldSockets> {
    this.#child.stdin.write('\n');
    const [open, withOneMessage, messages] = (await this.#readLine()).split(' ').map(Number);
    return { open: open as number, withOneMessage: withOneMessage as number, messages: messages as number };
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
  }

  async #readLine(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the process that holds the sockets has ended');
    return value;
  }
}
