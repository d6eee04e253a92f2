import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { openTestGateway } from './support/in-process.ts';
import { testServices } from './support/system.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const client = join(root, 'shared/client');
const MAX_COMPRESSED_BYTES = 8 * 1024;

const { url, addUser } = await openTestGateway({ CORS_ORIGIN: 'https://page.example.com' });

test('a gateway serves the client as one file of at most 8 KB, which may be cached', async () => {
  const { token } = await addUser();
  const answer = await fetch(`${url}/client/rooms.js`, { headers: { origin: 'https://page.example.com' } });
  const script = Buffer.from(await answer.arrayBuffer());
  assert.ok(gzipSync(script, { level: 9 }).length <= MAX_COMPRESSED_BYTES, `${gzipSync(script, { level: 9 }).length}`);
  const { headers } = answer;
  assert.equal(headers.get('content-type'), 'text/javascript; charset=utf-8');
  assert.equal(headers.get('cache-control'), 'public, max-age=3600');
  assert.equal(headers.get('access-control-allow-origin'), 'https://page.example.com');
  const other = await fetch(`${url}/api/users/current`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(other.headers.get('cache-control'), 'no-store');

  const { RoomsClient } = await import(`data:text/javascript,${encodeURIComponent(`${script}`)}`);
  const { body } = await new RoomsClient({ url, token }).request('GET', '/api/users/current');
  assert.equal(body.firstName, 'Tester');
});

/** What a developer writes who has installed the package. */
const PROGRAM = `
import { MemoryStore, RoomsClient } from 'rooms-client';
import { openFileStore } from 'rooms-client/file-store';
const store = await openFileStore('store.json');
await store.change({ key: 'value' });
const client = new RoomsClient({ url: process.argv[2] ?? '', token: process.argv[3] ?? '', store });
const { body } = await client.request('GET', '/api/users/current');
console.log(JSON.stringify({ state: client.state, name: /** @type {{ firstName: string }} */ (body).firstName }));
await client.close();
await store.close();
`;
const WRONG_TYPE = `
import { RoomsClient } from 'rooms-client';
new RoomsClient({ url: 'http://localhost' }).write(7, 'text');
`;

test('the packed client works in an empty folder, with plain JavaScript and with its types', async () => {
  const folder = mkdtempSync(join(testServices().home, 'package-'));
  const run = (command: string, args: string[], cwd = folder) => promisify(execFile)(command, args, { cwd });
  await run('npm', ['pack', '--pack-destination', folder], client);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  await run('npm', ['install', '--no-audit', '--no-fund', '--offline', join(folder, 'rooms-client-0.1.0.tgz')]);
  writeFileSync(join(folder, 'program.js'), PROGRAM);
  writeFileSync(join(folder, 'wrong.ts'), WRONG_TYPE);
  const { token } = await addUser();
  const { stdout } = await run(process.execPath, ['program.js', url, token]);
  assert.deepEqual(JSON.parse(stdout), { state: 'offline', name: 'Tester' });

  const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types'), '--lib', 'es2024,dom'];
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--allowJs', '--checkJs', ...types];
  const tsc = join(root, 'node_modules/.bin/tsc');
  const errors = await run(tsc, [...options, 'program.js', 'wrong.ts']).catch((error) => error.stdout);
  assert.match(errors, /^wrong\.ts\(3,\d+\): error TS2345: .*\n$/);
});
