import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { mutants } from './mutants/mutants.ts';
import { runTest } from './mutants/run-mutant.ts';

const root = join(import.meta.dirname, '..');
/** The mutants whose tests are short. `npm run mutants` runs all. */
const CHEAP = ['no leave', 'a refusal that is not kept', 'no idempotency'];

test('each mutant changes one place, and the test that must catch it exists', () => {
  for (const { name, file, find, caughtBy } of mutants) {
    const places = readFileSync(join(root, file), 'utf8').split(find).length - 1;
    assert.equal(places, 1, `${name}: the text to replace is ${places} times in ${file}`);
    assert.ok(readFileSync(join(root, caughtBy.file), 'utf8').includes(`'${caughtBy.title}'`), caughtBy.title);
  }
});

for (const mutant of mutants.filter(({ name }) => CHEAP.includes(name)))
  test(`a test catches the mutant: ${mutant.name}`, async () => {
    const { hasFailed, output } = await runTest(mutant, true);
    assert.ok(hasFailed, output);
  });
