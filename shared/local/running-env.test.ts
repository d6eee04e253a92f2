import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const home = mkdtempSync(join(tmpdir(), 'rooms-running-env-'));
after(() => rmSync(home, { recursive: true }));
const running = { DATABASE_URL: 'postgres://running', ENVIRONMENT: 'dev', API_SECRET: 'secret of the running Rooms' };
writeFileSync(
  join(home, 'running.env'),
  Object.entries(running)
    .map(([name, value]) => `${name}='${value}'\n`)
    .join(''),
);

/** Starts a process with these variables. @returns the same variables, after running-env.ts was loaded */
function variablesAfterLoading(set: Partial<typeof running>): Partial<typeof running> {
  const print = `console.log(JSON.stringify(${JSON.stringify(Object.keys(running))}.map((name) => process.env[name])))`;
  const args = ['--import', join(import.meta.dirname, 'running-env.ts'), '-e', print];
  const env = { PATH: process.env.PATH, ROOMS_HOME: home, ...set };
  const { stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  assert.equal(stderr, '');
  const values: (string | null)[] = JSON.parse(stdout);
  return Object.fromEntries(
    Object.keys(running).flatMap((name, index) => (values[index] ? [[name, values[index]]] : [])),
  );
}

test('without a DATABASE_URL, the variables of the running Rooms are used', () => {
  assert.deepEqual(variablesAfterLoading({}), running);
  assert.deepEqual(variablesAfterLoading({ DATABASE_URL: '', ENVIRONMENT: '', API_SECRET: '' }), running);
});

test('with a DATABASE_URL, no variable changes', () => {
  const set = { DATABASE_URL: 'postgres://localhost/other' };
  assert.deepEqual(variablesAfterLoading(set), set);
});

test('a DATABASE_URL whose host exists only in docker compose is ignored, but not in production', () => {
  const set = { DATABASE_URL: 'postgres://postgres:password@postgres:5432/rooms' };
  assert.deepEqual(variablesAfterLoading(set), running);
  const inProduction = { ...set, ENVIRONMENT: 'production' };
  assert.deepEqual(variablesAfterLoading(inProduction), inProduction);
});

test('a variable that is set wins over the variable of the running Rooms', () => {
  const set = { ENVIRONMENT: 'production', API_SECRET: 'another secret' };
  assert.deepEqual(variablesAfterLoading(set), { ...running, ...set });
});
