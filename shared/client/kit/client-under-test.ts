import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import * as v from 'valibot';
import { afterTicks } from './ticks.ts';

const Handled = v.object({ id: v.string(), roomId: v.string(), seq: v.number() });
export type HandledMessage = v.InferOutput<typeof Handled>;

const OutcomeReport = v.variant('outcome', [
  v.object({ outcome: v.literal('committed'), key: v.number(), seq: v.number() }),
  v.object({ outcome: v.literal('refused'), key: v.number(), code: v.string() }),
]);
export type Outcome = v.InferOutput<typeof OutcomeReport>;

/** A line that the client writes. docs/conformance.md describes them. */
export const Report = v.union([
  v.object({ message: Handled }),
  v.object({ loaded: v.string(), seq: v.number() }),
  OutcomeReport,
]);
export type Report = v.InferOutput<typeof Report>;

/** A line that the client reads. */
export type Order =
  | { do: 'start'; url: string; email: string; password: string }
  | { do: 'send'; key: number; roomId: string; text: string };

/** A running client. */
export interface ClientUnderTest {
  write(order: Order): void;
  stop(): Promise<void>;
}

export interface ClientEvents {
  onReport(report: Report): void;
  /** The client breaks the contract of the kit, or has ended. */
  onFailure(why: string): void;
}

export type StartClient = (events: ClientEvents) => ClientUnderTest;

/** After this time after the end of its input, the client fails and is killed. docs/conformance.md asks for 2 seconds. */
const STOP_TIMEOUT_TICKS = 40;

/** @param command the program and its arguments */
export function programClient([program = '', ...args]: string[]): StartClient {
  return ({ onReport, onFailure }) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const errors: string[] = [];
    let isStopping = false;
    const ended = new Promise<void>((resolve) => {
      child.on('close', (code) => {
        if (!isStopping) onFailure([`the client ended with the code ${code}`, ...errors.slice(-3)].join('\n'));
        resolve();
      });
    });
    child.on('error', (error) => onFailure(`the client does not start: ${error.message}`));
    // A client that has ended reads no more. `close` reports it.
    child.stdin.on('error', () => undefined);
    createInterface(child.stderr).on('line', (line) => errors.push(line));
    createInterface(child.stdout).on('line', (line) => readReport(line, { onReport, onFailure }));
    return {
      write: (order) => child.stdin.write(`${JSON.stringify(order)}\n`),
      stop: async () => {
        isStopping = true;
        child.stdin.end();
        const timer = afterTicks(STOP_TIMEOUT_TICKS, () => {
          onFailure('the process of the client does not end after the end of its input');
          child.kill('SIGKILL');
        });
        await ended;
        clearInterval(timer);
      },
    };
  };
}

/** Parses a line of the client. */
export function readReport(line: string, { onReport, onFailure }: ClientEvents): void {
  try {
    onReport(v.parse(Report, JSON.parse(line)));
  } catch (error) {
    onFailure(`this line of the client is wrong: ${line}: ${(error as Error).message}`);
  }
}
