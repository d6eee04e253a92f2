import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** The line that a process with clients prints when all its clients are connected. */
export const ALL_OPEN = 'open';

export interface ClientsReport {
  /** For each client that is back: the milliseconds from the loss of its socket until it had all that it had missed. */
  times: number[];
  /** The messages that all clients together have received since their last connect. */
  received: number;
  /** Gaps, messages that came twice, rooms that were not resumed. */
  errors: string[];
  /** For each room, the smallest position of a client. */
  positions: Record<string, number>;
}

/** Another process with {@link ReturningClient}s. One process has too little processor time and too few descriptors. */
export class ReturningClients {
  readonly #child: ChildProcess & { stdin: NodeJS.WritableStream };
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess & { stdin: NodeJS.WritableStream }, lines: AsyncIterator<string>) {
    this.#child = child;
    this.#lines = lines;
  }

  /** Resolves when each token has a client that is connected to the first gateway. */
  static async open(url: string, nextUrl: string, tokens: string[]): Promise<ReturningClients> {
    const args = [join(import.meta.dirname, 'hold-clients.ts'), url, nextUrl];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stdin.write(`${tokens.join('\n')}\n\n`);
    const clients = new ReturningClients(child, lines);
    await clients.#readLine();
    return clients;
  }

  /** Resolves when each client has lost its socket and is back. */
  async waitUntilBack(): Promise<ClientsReport> {
    return JSON.parse(await this.#readLine());
  }

  async report(): Promise<ClientsReport> {
    this.#child.stdin.write('\n');
    return JSON.parse(await this.#readLine());
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
  }

  async #readLine(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the process with the clients has ended');
    return value;
  }
}
