import type { Conversation } from '../conversation.ts';

/** One test of a client. */
export interface Case {
  name: string;
  /** What the client must do. docs/conformance.md has the same text. */
  rule: string;
  /** The paragraph of docs/protocol.md with the rule. */
  page: string;
  /** Called before the client starts. */
  prepare?(talk: Conversation): void;
  /** @throws Error if the client breaks the rule */
  run(talk: Conversation): Promise<void>;
}

/** Timers may end this much too early. */
const CLOCK_TOLERANCE_MS = 30;

/** @throws Error if the two times are nearer than this */
export function expectWait(
  talk: Conversation,
  fromMs: number | undefined,
  toMs: number | undefined,
  minMs: number,
): void {
  const waitMs = (toMs ?? Number.NaN) - (fromMs ?? Number.NaN);
  const rule = `the client waited ${Math.round(waitMs)} ms, not at least ${minMs} ms`;
  talk.expect(waitMs >= minMs - CLOCK_TOLERANCE_MS, rule);
}
