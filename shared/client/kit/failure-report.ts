import type { Case } from './cases/case.ts';
import type { CaseResult } from './run-cases.ts';

type Failure = CaseResult & { why: string };

/** Why cases failed, with the rule and what happened last. Cases that failed for the same reason come together. */
export function failureReport(results: readonly CaseResult[], cases: readonly Case[]): string[] {
  const failures = results.filter((result): result is Failure => result.why !== undefined);
  return [...Map.groupBy(failures, ({ why }) => why).values()].flatMap((same) => reportOf(same, cases));
}

function reportOf(same: Failure[], cases: readonly Case[]): string[] {
  const [{ name, why, trace }] = same as [Failure];
  const { rule = '', page = '' } = cases.find((each) => each.name === name) ?? {};
  const title = same.length === 1 ? name : `${same.length} cases (${same.map((each) => each.name).join(', ')})`;
  return [
    `\n${title}: ${why}`,
    ...(same.length === 1 ? [`  the rule: ${rule}`, `  read: docs/protocol.md#${page}`] : []),
    `  what happened last in ${name}:`,
    ...trace.map((line) => `    ${line}`),
  ];
}
