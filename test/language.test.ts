import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bannedIn } from './support/banned-words.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const PATTERNS = [
  '{gateway,workers,shared,sql,bench,test,docs}/**/*.{ts,tsx,mjs,js,html,sql,sh,md}',
  '*.{md,yml,yaml}',
  '.github/**/*.{yml,md}',
  '{Dockerfile,Procfile,.env.example,.ci/run,bench/load.env}',
];
/** The list of banned words, this test, and SQL that is older than the list and must never change. */
const EXEMPT =
  /^test\/support\/banned-words\.ts$|^test\/language\.test\.ts$|^sql\/00[1-5]-.*\.sql$|^test\/support\/functions-0\.1\.0\.sql$/;

const files = globSync(PATTERNS, {
  cwd: root,
  exclude: ['shared/client/dist', 'gateway/page/dist', 'gateway/docs/dist'],
}).filter((name) => !EXEMPT.test(name));

test('no name, comment or document contains a banned word', () => {
  const findings = files.flatMap((file) =>
    linesOf(file).flatMap((line, index) =>
      bannedIn(line).map(({ found, instead }) => `${file}:${index + 1}: "${found}": write ${instead}`),
    ),
  );
  assert.equal(findings.length, 0, `${findings.length} words to replace:\n${findings.sort().join('\n')}`);
  assert.ok(files.length > 150, `only ${files.length} files were read`);
});

test('a banned word is found in a sentence and as a part of a name, but not inside another word', () => {
  const found = (line: string) => bannedIn(line).map((each) => each.found);
  assert.deepEqual(found('// Whoever waits'), ['Whoever']);
  assert.deepEqual(found('const isHisRoom = true;'), ['His']);
  assert.deepEqual(found('const CONNECT_PATIENCE = 1;'), ['PATIENCE']);
  assert.deepEqual(found('this.#takeOff(lane);'), ['take Off']);
  assert.deepEqual(found('const MOST_BYTES = 1;'), ['MOST_BYTES']);
  assert.deepEqual(found('const EVERY = 1_000;'), ['EVERY']);
  assert.deepEqual(found('// at most 3 of this history, whether or not they hold'), []);
});

/** Returns the lines of a file, without the lines of a `diff` block that begin with `-`. They show what not to write. */
function linesOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  if (!file.endsWith('.md')) return text.split('\n');
  return text.replace(/^```diff[\s\S]*?^```/gm, (block) => block.replace(/^-.*$/gm, '')).split('\n');
}
