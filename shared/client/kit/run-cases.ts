import type { Case } from './cases/case.ts';
import type { StartClient } from './client-under-test.ts';
import { Conversation } from './conversation.ts';

export interface CaseResult {
  name: string;
  /** Why the client fails. Undefined if it passes. */
  why: string | undefined;
}

export interface RunOptions {
  /** Called after each case. */
  onResult?: (result: CaseResult) => void;
  /** Ends all cases. */
  signal?: AbortSignal;
  /** The longest wait for one step of the client. A tick has 100 ms, or more on a busy machine. */
  stepTimeoutTicks?: number;
}

/** Cases mostly wait, so several run at the same time. */
const MAX_CASES_AT_ONCE = 12;

/** Runs the cases, each with a new server and a newly started client. */
export async function runCases(
  cases: readonly Case[],
  startClient: StartClient,
  options: RunOptions = {},
): Promise<CaseResult[]> {
  const waiting = [...cases];
  const results: CaseResult[] = [];
  const runSome = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const result = { name: next.name, why: await runCase(next, startClient, options) };
      results.push(result);
      options.onResult?.(result);
    }
  };
  await Promise.all(Array.from({ length: MAX_CASES_AT_ONCE }, runSome));
  return results;
}

/** @returns why the client fails */
async function runCase(
  { prepare, run }: Case,
  startClient: StartClient,
  { signal, stepTimeoutTicks }: RunOptions,
): Promise<string | undefined> {
  const conversation = new Conversation(stepTimeoutTicks);
  const abort = () => conversation.fail('all cases together take too long');
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort);
  prepare?.(conversation);
  try {
    await conversation.start(startClient);
    await run(conversation);
    return conversation.rules.firstBroken;
  } catch (error) {
    return (error as Error).message;
  } finally {
    signal?.removeEventListener('abort', abort);
    await conversation.stop();
  }
}
