import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { environment } from '../shared/config.ts';
import { commandNames } from '../shared/contract/commands.ts';
import { startMailCatcher, writeMail } from '../shared/local/mail.ts';
import { startSystem, testServices } from './support/system.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const mails = mkdtempSync(join(testServices().home, 'mails-'));
const catcher = await startMailCatcher((mail) => writeMail(mails, mail));
after(() => catcher.close());
const { cluster, databaseUrl } = await startSystem({
  gateways: 2,
  workers: 1,
  smtpPort: catcher.port,
  env: { WS_QUERY_TOKEN: 'true' },
});
const [gatewayA, gatewayB] = cluster.urls as [string, string];

test('the seed script sends each command', () => {
  const script = readFileSync(join(root, 'test/seed.sh'), 'utf8');
  assert.deepEqual(
    commandNames.filter((name) => !script.includes(name)),
    [],
  );
});

// The seed is the Go server that Rooms replaces.
test('every request and every frame of the seed works', async () => {
  const run = promisify(execFile)('bash', ['test/seed.sh'], {
    cwd: root,
    timeout: 100_000,
    env: environment({
      URL: gatewayA,
      SOCKET_URL: gatewayB,
      MAILS: mails,
      ADMIN: '"$NODE" workers/admin.ts grant',
      NODE: process.execPath,
      DATABASE_URL: databaseUrl,
    }),
  });
  const { stdout } = await run.catch((error) =>
    assert.fail(`${error.signal ?? error.code}: ${error.message}\n${error.stdout}`),
  );
  assert.match(
    stdout,
    /^every request and frame of the seed works: \d+ requests over HTTP; \d+ frames sent and \d+ received\n$/,
  );
});
