import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { RULES } from '../proof/check-history.ts';
import { readFaultOptions, USAGE } from './command-line.ts';
import { SCENARIOS } from './scenarios.ts';
import { TITLES } from './table.ts';

const read = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
const document = read('faults.md');

test('without options every scenario runs once; --only, --seeds and --seed choose', () => {
  const [all, some, one] = [[], ['--only=redis', '--seeds=3'], ['--seed=7']].map(readFaultOptions);
  assert.ok(typeof all === 'object' && typeof some === 'object' && typeof one === 'object');
  assert.deepEqual([all.scenarios, all.seeds, one.seeds, some.seeds], [SCENARIOS, [1], [7], [1, 2, 3]]);
  assert.ok(some.scenarios.length > 0 && some.scenarios.every(({ name }) => name.includes('redis')));
});

test('a wrong option is refused with its name', () => {
  assert.throws(() => readFaultOptions(['--seeds=0']), /--seeds must be/);
  assert.throws(() => readFaultOptions(['--only=nonsense']), /nonsense/);
  assert.throws(() => readFaultOptions(['--wrong']), /wrong/);
});

test('every scenario has its own name', () => {
  assert.equal(new Set(SCENARIOS.map(({ name }) => name)).size, SCENARIOS.length);
});

test('docs/faults.md has every option, every rule and every column of the table', () => {
  for (const [, option] of USAGE.matchAll(/^ {2}(--[a-z]+)/gm)) assert.ok(document.includes(`${option}`), option);
  const rules = [...document.matchAll(/^\| `(.+?)`/gm)].map(([, rule]) => rule);
  assert.deepEqual(rules.toSorted(), Object.keys(RULES).toSorted());
  const columns = document.slice(document.indexOf('## The table')).matchAll(/^\| ([a-z ]+?) +\|/gm);
  const explained = [...columns].map(([, column]) => column as string).filter((column) => column !== 'column');
  assert.deepEqual(
    TITLES.filter((title) => !explained.some((column) => title.startsWith(column))),
    [],
  );
});

test('the proof in docs/guarantees.md has every scenario, in their order', () => {
  const guarantees = read('guarantees.md');
  const table = guarantees.slice(guarantees.indexOf('## The proof'));
  const names = [...table.matchAll(/^\| ([a-z-]+) +\|/gm)]
    .map(([, name]) => name)
    .filter((name) => name !== 'scenario');
  assert.deepEqual(
    names.filter((name) => !name?.startsWith('--')),
    SCENARIOS.map(({ name }) => name),
  );
});
