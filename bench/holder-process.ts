import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/**
 * Another process that holds sockets, because one process has too little processor time and too few descriptors. It reads
 * the tokens of the sockets ({@link readTokens}) and prints a line when all are open. After that, it answers each line.
 */
export class HolderProcess {
  readonly #child: ChildProcess & { stdin: NodeJS.WritableStream };
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess & { stdin: NodeJS.WritableStream; stdout: NodeJS.ReadableStream }) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  /** Resolves when all sockets are open. @param program the program and its arguments */
  static async open(program: string[], tokens: string[]): Promise<HolderProcess> {
    const child = spawn(process.execPath, program, { stdio: ['pipe', 'pipe', 'inherit'] });
    const holder = new HolderProcess(child);
    child.stdin.write(`${tokens.join('\n')}\n\n`);
    await holder.readLine();
    return holder;
  }

  /** Asks for one line. */
  ask(): Promise<string> {
    this.#child.stdin.write('\n');
    return this.readLine();
  }

  /** @throws Error if the process has ended */
  async readLine(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the process that holds the sockets has ended');
    return value;
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
  }
}

/** Reads the input of such a process: one token in each line, and then an empty line. */
export async function readTokens(lines: AsyncIterator<string>): Promise<string[]> {
  const tokens: string[] = [];
  for (let line = await lines.next(); line.value; line = await lines.next()) tokens.push(line.value);
  return tokens;
}
