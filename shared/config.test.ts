import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseConfig } from './config.ts';

test('durations become milliseconds, and a variable that is empty or not set gets its default', () => {
  const config = parseConfig({ RATE_WINDOW: '250ms', LOGIN_WINDOW: '12h', PORT: '' }, [
    'RATE_WINDOW',
    'LOGIN_WINDOW',
    'OTP_EXPIRY',
    'PORT',
  ]);
  assert.deepEqual(config, { RATE_WINDOW: 250, LOGIN_WINDOW: 43_200_000, OTP_EXPIRY: 600_000, PORT: 8080 });
});

test('lists are separated by commas', () => {
  const names = ['CORS_ORIGIN', 'TRUSTED_PROXIES'] as const;
  const given = { CORS_ORIGIN: 'https://a.example.com,http://localhost:3000', TRUSTED_PROXIES: '10.0.0.0/8, ::1' };
  assert.deepEqual(parseConfig(given, [...names]), {
    CORS_ORIGIN: ['https://a.example.com', 'http://localhost:3000'],
    TRUSTED_PROXIES: ['10.0.0.0/8', '::1'],
  });
  assert.deepEqual(parseConfig({}, [...names]), { CORS_ORIGIN: ['*'], TRUSTED_PROXIES: [] });
});

const invalid: [name: Parameters<typeof parseConfig>[1][number], value: string | undefined][] = [
  ['DATABASE_URL', undefined],
  ['DATABASE_URL', 'mysql://localhost'],
  ['REDIS_URL', 'localhost:6379'],
  ['API_SECRET', undefined],
  ['API_SECRET', 'SecretSecretSecret'],
  ['API_SECRET', 'SecretSecretSecretSecretSecretSecret'],
  ['PORT', '80a'],
  ['PORT', '65536'],
  ['RATE_WINDOW', '1 day'],
  ['LOGIN_WINDOW', '0s'],
  ['OTP_EXPIRY', '721h'],
  ['LOG_LEVEL', 'loud'],
  ['REDIS_PREFIX', 'a:b'],
  ['CORS_ORIGIN', 'example.com'],
  ['CORS_ORIGIN', 'https://example.com/'],
  ['CORS_ORIGIN', '*, https://example.com'],
  ['TRUSTED_PROXIES', 'localhost'],
  ['TRUSTED_PROXIES', '10.0.0.0/33'],
  ['WS_QUERY_TOKEN', 'yes'],
  ['ALLOWED_USERS_ONLY', '1'],
  ['TOKEN_HOUR_LIFESPAN', '0'],
  ['SMTP_HOST', undefined],
  ['SMTP_PORT', '0'],
  ['EMAIL', 'nobody'],
];

for (const [name, value] of invalid) {
  test(`${name}=${value ?? ''} is refused with the name of the variable`, () => {
    assert.throws(() => parseConfig({ [name]: value }, [name]), new RegExp(`^Error: config: ${name} must`));
  });
}

test('a process with invalid variables prints one line for each variable and ends immediately', () => {
  const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, '../gateway/main.ts')], {
    env: { PORT: 'x' },
    encoding: 'utf8',
  });
  const names = stderr.split('\n').map((line) => line.split(' ')[1]);
  assert.equal(status, 78);
  assert.deepEqual(names.filter(Boolean), ['DATABASE_URL', 'REDIS_URL', 'API_SECRET', 'PORT']);
});

const WEAK_SECRETS = ['SecretSecretSecret', 'SecretSecretSecretSecretSecretSecret'];

test('with ENVIRONMENT=dev a weak API_SECRET is accepted, and a missing one is refused', () => {
  for (const API_SECRET of WEAK_SECRETS) {
    assert.deepEqual(parseConfig({ ENVIRONMENT: 'dev', API_SECRET }, ['API_SECRET']), { API_SECRET });
  }
  for (const API_SECRET of ['', undefined]) {
    assert.throws(
      () => parseConfig({ ENVIRONMENT: 'dev', API_SECRET }, ['API_SECRET']),
      /config: API_SECRET must be set/,
    );
  }
});

for (const ENVIRONMENT of [undefined, '', 'production', 'DEV', 'dev ', 'development', 'staging']) {
  test(`with ENVIRONMENT=${ENVIRONMENT} the rules of production apply`, () => {
    const names = ['ENVIRONMENT', 'WS_QUERY_TOKEN'] as const;
    const expected = { ENVIRONMENT: ENVIRONMENT || 'production', WS_QUERY_TOKEN: false };
    assert.deepEqual(parseConfig({ ENVIRONMENT }, [...names]), expected);
    for (const API_SECRET of WEAK_SECRETS) {
      assert.throws(() => parseConfig({ ENVIRONMENT, API_SECRET }, ['API_SECRET']), /config: API_SECRET must/);
    }
  });
}

test('WS_QUERY_TOKEN is true by default only in dev, and a value of the operator always wins', () => {
  const readQueryToken = (ENVIRONMENT: string, WS_QUERY_TOKEN?: string) =>
    parseConfig({ ENVIRONMENT, WS_QUERY_TOKEN }, ['WS_QUERY_TOKEN']).WS_QUERY_TOKEN;
  assert.deepEqual([readQueryToken('dev'), readQueryToken('dev', '')], [true, true]);
  assert.deepEqual([readQueryToken('dev', 'false'), readQueryToken('production', 'true')], [false, true]);
});

for (const ENVIRONMENT of ['', 'production']) {
  test(`with ENVIRONMENT=${ENVIRONMENT} a gateway with a weak API_SECRET ends, and does not print the secret`, () => {
    const [API_SECRET = ''] = WEAK_SECRETS;
    const { status, stderr, stdout } = spawnSync(process.execPath, [join(import.meta.dirname, '../gateway/main.ts')], {
      env: { ENVIRONMENT, API_SECRET, DATABASE_URL: 'postgres://127.0.0.1:1/rooms', REDIS_URL: 'redis://127.0.0.1:1' },
      encoding: 'utf8',
    });
    assert.equal(status, 78, stderr);
    assert.match(stderr, /^config: API_SECRET must have at least 32 characters: openssl rand -base64 32\n$/);
    assert.ok(!(stderr + stdout).includes(API_SECRET));
  });
}
