import type { Case } from './cases/case.ts';
import type { StartClient } from './client-under-test.ts';
import { Conversation } from './conversation.ts';

export interface CaseResult {
  name: string;
  /** Why the client fails. Undefined if it passes. */
  why: string | undefined;
  /** What happened last. */
  trace: readonly string[];
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
/** The kit has a limit for its whole run. */
const TOO_SLOW = 'the kit ended before this case did: the machine is busy, or the client waits too often';

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
      const result = { name: next.name, ...(await runCase(next, startClient, options)) };
      results.push(result);
      options.onResult?.(result);
    }
  };
  await Promise.all(Array.from({ length: MAX_CASES_AT_ONCE }, runSome));
  return results;
}

async function runCase(
  { prepare, run }: Case,
  startClient: StartClient,
  { signal, stepTimeoutTicks }: RunOptions,
): Promise<Omit<CaseResult, 'name'>> {
  const conversation = new Conversation(stepTimeoutTicks);
  const abort = () => conversation.fail(TOO_SLOW);
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort);
  prepare?.(conversation);
  const why = await conversation
    .start(startClient)
    .then(() => run(conversation))
    .then(
      () => undefined,
      (error: Error) => error.message,
    );
  const trace = [...conversation.rules.trace.lines];
  const whyLater = await conversation.stop();
  signal?.removeEventListener('abort', abort);
  return { why: why ?? whyLater, trace };
}
