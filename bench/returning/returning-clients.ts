import { join } from 'node:path';
import { HolderProcess } from '../holder-process.ts';

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

/** Clients that return, in another process. */
export class ReturningClients {
  readonly #process: HolderProcess;

  private constructor(process: HolderProcess) {
    this.#process = process;
  }

  /** Resolves when each token has a client that is connected to the first gateway. */
  static async open(url: string, nextUrl: string, tokens: string[]): Promise<ReturningClients> {
    const program = [join(import.meta.dirname, 'hold-clients.ts'), url, nextUrl];
    return new ReturningClients(await HolderProcess.open(program, tokens));
  }

  /** Resolves when each client has lost its socket and is back. */
  async waitUntilBack(): Promise<ClientsReport> {
    return JSON.parse(await this.#process.readLine());
  }

  async report(): Promise<ClientsReport> {
    return JSON.parse(await this.#process.ask());
  }

  close(): Promise<void> {
    return this.#process.close();
  }
}
