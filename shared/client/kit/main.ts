import { slowCases } from './cases/silence.ts';
import { cases } from './cases.ts';
import { programClient } from './client-under-test.ts';
import { failureReport } from './failure-report.ts';
import { runCases } from './run-cases.ts';

// npm run conformance -- [--case=NAME] COMMAND …: tests a client in any language. docs/conformance.md describes it.

const [first = '', ...rest] = process.argv.slice(2);
const name = /^--case=(.*)$/.exec(first)?.[1];
const command = name === undefined ? [first, ...rest] : rest;
const chosen = name === undefined ? cases : [...cases, ...slowCases].filter((each) => each.name === name);
const print = (line: string) => process.stdout.write(`${line}\n`);

if (!command[0] || chosen.length === 0) {
  print('usage: npm run conformance -- [--case=NAME] COMMAND …');
  print(`The cases are: ${[...cases, ...slowCases].map((each) => each.name).join(', ')}`);
  process.exit(2);
}

/** The kit ends in this time, whatever the client does. */
const MAX_MS = chosen.some((each) => slowCases.includes(each)) ? 120_000 : 60_000;
const results = await runCases(chosen, programClient(command), {
  signal: AbortSignal.timeout(MAX_MS),
  onResult: ({ name: ended, why }) => print(why === undefined ? `pass  ${ended}` : `FAIL  ${ended}`),
});
const passed = results.filter(({ why }) => why === undefined).length;
for (const line of failureReport(results, chosen)) print(line);
print(`\n${passed} of ${results.length} cases pass.`);
process.exit(passed === results.length ? 0 : 1);
