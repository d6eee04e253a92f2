import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const empty = mkdtempSync(join(tmpdir(), 'rooms-without-k6-'));
after(() => rmSync(empty, { recursive: true }));

test('npm run k6 without k6 and without Go says so and does not fail', () => {
  const env = { ...process.env, PATH: empty, ROOMS_HOME: empty };
  const main = join(import.meta.dirname, 'main.ts');
  const { status, stdout } = spawnSync(process.execPath, [main], { env, encoding: 'utf8' });
  assert.match(stdout, /k6 is not installed, and without Go it cannot be built.*\nthe k6 scripts were not run\n$/);
  assert.equal(status, 0);
});
