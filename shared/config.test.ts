import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseConfig } from './config.ts';

test('values are read in their units, and defaults stand in for what is not set or empty', () => {
  const config = parseConfig({ RATE_WINDOW: '250ms', LOGIN_WINDOW: '12h', PORT: '' }, [
    'RATE_WINDOW',
    'LOGIN_WINDOW',
    'OTP_EXPIRY',
    'PORT',
  ]);
  assert.deepEqual(config, { RATE_WINDOW: 250, LOGIN_WINDOW: 43_200_000, OTP_EXPIRY: 600_000, PORT: 8080 });
});

const wrong: [name: Parameters<typeof parseConfig>[1][number], value: string | undefined][] = [
  ['DATABASE_URL', undefined],
  ['DATABASE_URL', 'mysql://localhost'],
  ['REDIS_URL', 'localhost:6379'],
  ['API_SECRET', undefined],
  ['API_SECRET', 'SecretSecretSecret'],
  ['PORT', '80a'],
  ['PORT', '65536'],
  ['RATE_WINDOW', '1 day'],
  ['LOG_LEVEL', 'loud'],
  ['REDIS_PREFIX', 'a:b'],
];

for (const [name, value] of wrong) {
  test(`${name}=${value ?? ''} is refused by name`, () => {
    assert.throws(() => parseConfig({ [name]: value }, [name]), new RegExp(`^Error: config: ${name} must`));
  });
}

test('a bad value ends the process before it does anything, with a line for each', () => {
  const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, '../gateway/main.ts')], {
    env: { PORT: 'x' },
    encoding: 'utf8',
  });
  const named = stderr.split('\n').map((line) => line.split(' ')[1]);
  assert.equal(status, 78);
  assert.deepEqual(named.filter(Boolean), ['DATABASE_URL', 'REDIS_URL', 'API_SECRET', 'PORT']);
});
