import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { runAdminWith } from '../../test/support/npm-run-admin.ts';
import { startSystem } from '../../test/support/system.ts';
import { loads } from './loads.ts';

const { cluster, databaseUrl } = await startSystem({ gateways: 1, workers: 1 });
const [url] = cluster.urls as [string];
const folder = mkdtempSync(join(tmpdir(), 'rooms-autocannon-'));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'load-users.json');
const env = { DATABASE_URL: databaseUrl, API_SECRET: cluster.secret, ENVIRONMENT: 'dev' };
const [exitCode, output] = await runAdminWith(env, 'load-users', '40', `--file=${file}`);
assert.equal(exitCode, 0, output);

/** Runs `npm run autocannon -- ...` against the gateway. @returns the exit code and the output */
async function runAutocannon(...words: string[]): Promise<[exitCode: number, output: string]> {
  const args = [join(import.meta.dirname, 'main.ts'), `--url=${url}`, `--users=${file}`, ...words];
  const child = spawn(process.execPath, args);
  const outputs = [text(child.stdout), text(child.stderr)];
  const [[code], ...texts] = await Promise.all([once(child, 'close'), ...outputs]);
  return [code, texts.join('')];
}

for (const [name, loadsOfName] of Object.entries(loads)) {
  test(`every answer to the requests of ${name} is a success`, async () => {
    // Hashes have the lowest priority, so on a busy machine a login can take seconds.
    const [code, printed] = await runAutocannon(name, `--requests=${name === 'login' ? 2 : 300}`);
    assert.equal(code, 0, printed);
    for (const load of loadsOfName)
      assert.match(printed, new RegExp(`^ +${load.name} +[\\d.]+ requests/s .* \\([1-9]\\d* successes\\)$`, 'm'));
  });
}

test('an answer with an error gives the exit code 1', async () => {
  const withWrongTokens = join(folder, 'wrong-tokens.json');
  writeFileSync(withWrongTokens, readFileSync(file, 'utf8').replaceAll('"token":"', '"token":"x'));
  const [code, printed] = await runAutocannon('reads', '--requests=20', `--users=${withWrongTokens}`);
  assert.equal(code, 1, printed);
  assert.match(printed, /\d+ answers with status 401/);
});
