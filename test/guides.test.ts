import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { freePort } from '../shared/local/ports.ts';
import { createAccount, PASSWORD } from './support/client.ts';
import { blocksOf } from './support/markdown.ts';
import { createTestDatabase, startSystem, testServices } from './support/system.ts';
import { MAX_WAIT_MS, until } from './support/until.ts';

// The programs of the guides. test/docs.test.ts proves that the guides show these files. The bot is in client-faults.

const root = join(import.meta.dirname, '..');
const { cluster } = await startSystem({ gateways: 1, workers: 1 });
const [url] = cluster.urls as [string];
const { email } = await createAccount(url, 'Ann');
const optionsOf = (name: string) => [join(root, 'shared/client/examples', name), url, email, PASSWORD];

test('chat.ts of the guide for Socket.IO makes a room, writes, receives and reads the history', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, optionsOf('chat.ts'));
  const lines = stdout.split('\n');
  assert.ok(lines.includes('#2 Hello'), stdout);
  assert.ok(lines.includes("[ 'Hello', 'Room created' ]"), stdout);
});

test('the server and the client of Socket.IO in the guide store, send and list a message', async (context) => {
  const [server = '', client = ''] = blocksOf(readFileSync(join(root, 'docs/from-socket-io.md'), 'utf8'), 'js');
  const folder = mkdtempSync(join(testServices().home, 'socket-io-'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'server.mjs'), server);
  // The package socket.io has its client as one file. Its name does not show Node that it is a module.
  copyFileSync(join(root, 'node_modules/socket.io/client-dist/socket.io.esm.min.js'), join(folder, 'socket.io.mjs'));
  writeFileSync(join(folder, 'client.mjs'), client.replace("'socket.io-client'", "'./socket.io.mjs'"));

  const port = await freePort();
  const program = spawn(process.execPath, ['server.mjs', `${port}`, await createTestDatabase()], { cwd: folder });
  context.after(() => program.kill());
  const { stdout } = await promisify(execFile)(process.execPath, ['client.mjs', `http://127.0.0.1:${port}`], {
    cwd: folder,
    timeout: MAX_WAIT_MS,
  });
  assert.equal(stdout, "#1 Hello\n[ 'Hello' ]\n");
});

test('plain-socket.ts of the guide for the original gets an Ack and its message', async (context) => {
  const program = spawn(process.execPath, optionsOf('plain-socket.ts'));
  context.after(() => program.kill());
  let output = '';
  program.stdout.on('data', (data) => {
    output += data;
  });
  await until(
    () => /stored as message \d+ of general/.test(output) && output.includes('received Hello'),
    20_000,
    () => output,
  );
  program.kill();
  await once(program, 'exit');
});

const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));

test('llms.txt has each page of docs/, and each of its links works', async () => {
  const answer = await fetch(`${url}/llms.txt`);
  assert.equal(answer.headers.get('content-type'), 'text/plain; charset=utf-8');
  await listsAllPages(linksOf(await answer.text()));
  const page = await fetch(`${url}/docs/files/protocol.md`);
  assert.equal(page.headers.get('content-type'), 'text/markdown; charset=utf-8');
});

test('the list at /docs has each page of docs/, and each of its links works', async () => {
  const html = await (await fetch(`${url}/docs`)).text();
  await listsAllPages([...html.matchAll(/<a href="([^"]+)"/g)].map(([, link]) => link as string));
});

test('each link from one page to another works on a gateway', async () => {
  for (const name of [...pages, 'client-library.md']) {
    const text = await (await fetch(`${url}/docs/files/${name}`)).text();
    for (const link of linksOf(text).filter((each) => /^[\w-]+\.md/.test(each)))
      assert.equal((await fetch(new URL(link, `${url}/docs/files/`))).status, 200, `${name}: ${link}`);
    assert.doesNotMatch(text, /\]\([./]+(shared\/client\/README|docs\/)/, name);
  }
});

function linksOf(markdown: string): string[] {
  return [...markdown.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link as string);
}

async function listsAllPages(links: string[]): Promise<void> {
  const expected = [...pages, 'client-library.md'].map((name) => `/docs/files/${name}`);
  assert.deepEqual(
    expected.filter((path) => !links.includes(path)),
    [],
  );
  for (const link of links) assert.equal((await fetch(url + link)).status, 200, link);
}
