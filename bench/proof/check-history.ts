import { commandRules } from './command-rules.ts';
import type { History } from './history.ts';
import { stateRules } from './state-rules.ts';
import { streamRules } from './stream-rules.ts';

/** @returns one line for each violation that the rule finds */
export type Rule = (history: History) => string[];

/** What Rooms promises. Each rule has its own function, so a broken history shows which promise was broken. */
export const RULES = { ...commandRules, ...streamRules, ...stateRules } satisfies Record<string, Rule>;

export interface Violation {
  rule: keyof typeof RULES;
  what: string;
}

/** Compares what the clients saw with what Postgres has. A correct history gives an empty list. */
export function checkHistory(history: History): Violation[] {
  const rules = Object.entries(RULES) as [keyof typeof RULES, Rule][];
  return rules.flatMap(([rule, check]) => check(history).map((what) => ({ rule, what })));
}
