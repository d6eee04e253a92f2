import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { createAccount, PASSWORD } from './support/client.ts';
import { startSystem } from './support/system.ts';
import { until } from './support/until.ts';

// The programs of the guides. test/docs.test.ts proves that the guides show these files. The bot is in client-faults.

const { cluster } = await startSystem({ gateways: 1, workers: 1 });
const [url] = cluster.urls as [string];
const { email } = await createAccount(url, 'Ann');
const optionsOf = (name: string) => [
  join(import.meta.dirname, '../shared/client/examples', name),
  url,
  email,
  PASSWORD,
];

test('chat.ts of the guide for Socket.IO makes a room, writes, receives and reads the history', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, optionsOf('chat.ts'));
  const lines = stdout.split('\n');
  assert.ok(lines.includes('#2 Hello'), stdout);
  assert.ok(lines.includes("[ 'Hello', 'Room created' ]"), stdout);
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

const pages = readdirSync(join(import.meta.dirname, '../docs')).filter((name) => name.endsWith('.md'));

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
