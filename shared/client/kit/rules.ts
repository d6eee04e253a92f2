import type { Command } from '../../contract/commands.ts';
import type { ErrorFrame, Welcome } from '../../contract/frames.ts';
import type { Message } from '../../contract/messages.ts';
import type { Left, Resync } from '../../contract/resume.ts';
import type { Outcome, Report } from './client-under-test.ts';
import type { Observer } from './observer.ts';
import { StreamRules } from './stream-rules.ts';
import { Trace } from './trace.ts';

/** A command of the client, as the kit received it. */
export interface ReceivedCommand {
  command: Extract<Command, { command: 'CreateMessage' }>;
  key: number;
  atMs: number;
}

/** The text of the message with this key. So the kit finds the key of a command. */
export const textOf = (key: number): string => `text ${key}`;

type SentFrame = Message | Welcome | Resync | Left | { command: string };

/** Checks, in every case, what a client must always do. It keeps the first broken rule. */
export class Rules implements Observer {
  readonly streams: StreamRules;
  readonly trace = new Trace();
  readonly commands: ReceivedCommand[] = [];
  /** The `Resume` frames on open sockets. */
  resumes = 0;
  readonly outcomes = new Map<number, Outcome>();
  /** The refusals that a retry cannot change, by key. */
  readonly #refused = new Set<number>();
  /** The seqs of the commands that the client can know as committed, by key. */
  readonly #committed = new Map<number, number>();
  #broken: string | undefined;

  constructor(userId: string) {
    this.streams = new StreamRules(userId);
  }

  get firstBroken(): string | undefined {
    return this.#broken;
  }

  note(what: string, frame?: unknown): void {
    this.trace.add(what, frame);
  }

  broken(rule: string | undefined): void {
    this.#broken ??= rule;
  }

  received(command: Command): void {
    const key = keyOf(command);
    if (command.command !== 'CreateMessage' || key === undefined) {
      this.broken(`a command that nobody asked for: ${JSON.stringify(command)}`);
      return;
    }
    this.broken(this.#brokenRef(command.ref, key));
    if (this.outcomes.has(key)) this.broken(`command ${key} was sent again after its outcome`);
    if (this.#refused.has(key)) this.broken(`command ${key} was sent again after a final refusal`);
    this.commands.push({ command, key, atMs: performance.now() });
  }

  sent(frame: object): void {
    const { command, ref, seq } = frame as SentFrame & { ref?: string; seq?: number };
    const key = this.commands.find((each) => ref && each.command.ref === ref)?.key;
    if (command === 'Error') this.#keepRefusal(frame as ErrorFrame, key);
    else if (key !== undefined && seq !== undefined) this.#committed.set(key, seq);
    if (command !== 'Error' && command !== 'Ack') this.streams.sent(frame as SentFrame);
  }

  resumed(epoch: string | undefined, positions: ReadonlyMap<string, number>, isFirst: boolean): void {
    if (!isFirst) this.resumes++;
    this.broken(this.streams.resumed(epoch, positions, isFirst));
  }

  read(roomId: string, seq: number): void {
    this.streams.read(roomId, seq);
  }

  ended(): void {
    this.streams.connectionEnded();
  }

  /** The client has written a line. */
  reported(report: Report): void {
    if ('message' in report) this.broken(this.streams.handled(report.message));
    else if ('loaded' in report) this.broken(this.streams.loaded(report.loaded, report.seq));
    else this.#keepOutcome(report);
  }

  #keepOutcome(report: Outcome): void {
    const { key, outcome } = report;
    if (this.outcomes.has(key)) this.broken(`command ${key} has two outcomes`);
    const isTrue = outcome === 'refused' ? this.#refused.has(key) : this.#committed.get(key) === report.seq;
    if (!isTrue) this.broken(`the client writes an outcome that the kit did not send: ${JSON.stringify(report)}`);
    this.outcomes.set(key, report);
  }

  #brokenRef(ref: string | undefined, key: number): string | undefined {
    if (!ref) return `command ${key} has no ref`;
    const earlier = this.commands.find((each) => each.key === key);
    if (earlier && earlier.command.ref !== ref) return `command ${key} was sent again with another ref`;
    const isOfOther = this.commands.some((each) => each.key !== key && each.command.ref === ref);
    return isOfOther ? `command ${key} has the ref of another command` : undefined;
  }

  #keepRefusal({ retry }: ErrorFrame, key: number | undefined): void {
    if (key !== undefined && retry === 'no') this.#refused.add(key);
  }
}

function keyOf(command: Command): number | undefined {
  const key = command.command === 'CreateMessage' && /^text (\d+)$/.exec(command.text)?.[1];
  return key ? Number(key) : undefined;
}
