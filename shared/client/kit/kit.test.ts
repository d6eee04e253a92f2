import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Case } from './cases/case.ts';
import { cases } from './cases.ts';
import { programClient, readReport, type StartClient } from './client-under-test.ts';
import { ExampleClient } from './example/example-client.ts';
import type { Faults } from './example/faults.ts';
import { failureReport } from './failure-report.ts';
import { LibraryClient } from './library-client.ts';
import { runCases } from './run-cases.ts';

/** Longer than each step of the correct client. A broken client makes many cases wait for this time. */
const STEP_TIMEOUT_TICKS = 50;

/** The cases that each broken client fails. It passes all others. */
const failures: Record<keyof Faults, string[]> = {
  forgetsRefs: [
    ...['after-login', 'busy', 'later-code', 'lost-ack', 'lost-command', 'order', 'rate-limited'],
    'unknown-outcome',
  ],
  ignoresGaps: ['gap', 'heads', 'refused-resume'],
  retriesRefusals: ['final-refusal', 'later-code'],
  trustsWelcome: [
    ...['added-meanwhile', 'back-meanwhile', 'changes', 'close-4000', 'close-4042', 'close-4100', 'close-4129'],
    ...[
      'close-4401',
      'cut',
      'cut-replay',
      'early-ack',
      'lost-ack',
      'many-rooms',
      'outage',
      'quiet-room',
      'slow-replay',
    ],
  ],
};

const exampleClient =
  (faults: Faults): StartClient =>
  (events) =>
    new ExampleClient((report) => readReport(JSON.stringify(report), events), faults);

/** @returns the names of the failed cases, in the order of the alphabet, and why each failed */
async function failedCases(faults: Faults): Promise<{ names: string[]; why: string }> {
  const results = await runCases(cases, exampleClient(faults), { stepTimeoutTicks: STEP_TIMEOUT_TICKS });
  const failed = results.filter(({ why }) => why !== undefined);
  return {
    names: failed.map(({ name }) => name).sort(),
    why: failed.map(({ name, why }) => `${name}: ${why}`).join('\n'),
  };
}

test('a correct client passes every case, and each broken client fails exactly the cases of its fault', async () => {
  const all = [['no fault', []] as const, ...Object.entries(failures)].map(async ([fault, expected]) => {
    const { names, why } = await failedCases({ [fault]: true });
    return { names, expected, why: `${fault}:\n${why}` };
  });
  for (const { names, expected, why } of await Promise.all(all)) assert.deepEqual(names, expected, why);
});

test('the client library passes every case', async () => {
  const results = await runCases(
    cases,
    (events) => new LibraryClient((report) => readReport(JSON.stringify(report), events)),
  );
  const failed = results.filter(({ why }) => why !== undefined);
  assert.deepEqual(failed, []);
});

test('a program that writes no JSON, that ends, or that cannot be started fails, and the result says why', async () => {
  const [first] = cases;
  assert.ok(first);
  const whyOf = async (...command: string[]) => (await runCases([first], programClient(command)))[0]?.why ?? '';
  assert.match(await whyOf('sh', '-c', 'echo hello; cat'), /this line of the client is wrong: hello/);
  assert.match(await whyOf('sh', '-c', 'echo sorry >&2; exit 3'), /the client ended with the code 3\nsorry/);
  assert.match(await whyOf('/no/such/program'), /the client does not start/);
});

test('a client that does not end after the end of its input fails', async () => {
  const noCase: Case = { name: 'none', rule: '', page: '', run: async () => undefined };
  const [result] = await runCases([noCase], programClient(['sleep', '60']));
  assert.match(result?.why ?? '', /does not end after the end of its input/);
});

test('a report has each reason once, with the rule and what happened last', async () => {
  const [first, second, third] = cases as [Case, Case, Case];
  const results = [
    { name: first.name, why: 'one reason', trace: ['first frame'] },
    { name: second.name, why: 'one reason', trace: ['second frame'] },
    { name: third.name, why: 'another reason', trace: ['third frame'] },
  ];
  assert.deepEqual(failureReport(results, cases), [
    `\n2 cases (${first.name}, ${second.name}): one reason`,
    `  what happened last in ${first.name}:`,
    '    first frame',
    `\n${third.name}: another reason`,
    `  the rule: ${third.rule}`,
    `  read: docs/protocol.md#${third.page}`,
    `  what happened last in ${third.name}:`,
    '    third frame',
  ]);
});
