import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { build } from 'esbuild';
import { chromium, type Page } from 'playwright-core';
import { Client, createAccount } from '../support/client.ts';
import { startSystem } from '../support/system.ts';
import { until } from '../support/until.ts';
import { findChromium } from './find-chromium.ts';
import { servePage } from './serve-page.ts';

// The React component of shared/client/examples in Chromium, with real gateways.

/** More than the newest page of a view. */
const OLD_MESSAGES = 60;
/** What the browser itself writes to the console while a gateway does not run. React writes its warnings there too. */
const NETWORK_ERROR = /Failed to load resource|WebSocket connection/;

const { cluster } = await startSystem({ gateways: 2, workers: 1, env: { CORS_ORIGIN: '*' } });
const [url, otherUrl] = cluster.urls as [string, string];
const pageUrl = await servePage(await bundlePage());
const browser = await chromium.launch({ executablePath: findChromium() ?? 'chromium' });
after(() => browser.close());

async function bundlePage(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'react-page.jsx')],
    ...{ bundle: true, write: false, format: 'esm', jsx: 'automatic', target: 'es2022' },
  });
  return outputFiles[0]?.text ?? assert.fail();
}

/** Ann is in a room with Bob. Bob has the page open, Ann writes over another gateway. */
async function openRoom() {
  const [ann, bob] = [await createAccount(otherUrl, 'Ann'), await createAccount(otherUrl, 'Bob')];
  const writer = await Client.connect(otherUrl, ann.token);
  after(() => writer.close());
  const { roomId } = await writer.commit({ command: 'CreateRoom', text: 'the room' });
  await writer.commit({ command: 'AddUser', roomId, targetId: bob.id });
  const write = async (text: string) => (await writer.commit({ command: 'CreateMessage', roomId, text })).id;
  const edit = (targetId: string, text: string) => writer.commit({ command: 'UpdateMessage', roomId, targetId, text });
  const open = async () => {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('console', (line) => {
      if (line.type() === 'error' && !NETWORK_ERROR.test(line.text())) errors.push(line.text());
    });
    await page.goto(`${pageUrl}#${new URLSearchParams({ url, token: bob.token, roomId })}`);
    return { page, errors };
  };
  return { roomId, write, edit, open };
}

const textsOf = async (page: Page) => (await page.locator('li').allTextContents()).map((text) => text.trim());
const type = async (page: Page, text: string) => {
  await page.getByLabel('Message').fill(text);
  await page.getByLabel('Message').press('Enter');
};

/** Waits until the page ends with these messages. `…` is after a message that is not committed. */
async function showsLast(page: Page, ...last: string[]): Promise<void> {
  let shown: string[] = [];
  await until(
    async () => {
      shown = await textsOf(page);
      return last.join('\n') === shown.slice(-last.length).join('\n');
    },
    undefined,
    () => JSON.stringify({ last, shown }),
  );
}

test('the React example shows a history, live messages, an edit, and an own message before and after its commit', async () => {
  const { write, edit, open } = await openRoom();
  for (let number = 1; number <= OLD_MESSAGES; number++) await write(`old ${number}`);
  const { page, errors } = await open();
  await showsLast(page, 'old 59', 'old 60');
  assert.equal(await page.locator('h1').textContent(), 'the room');
  await page.getByRole('button', { name: 'Older messages' }).click();
  await until(async () => (await textsOf(page)).length === OLD_MESSAGES + 2);
  assert.equal((await textsOf(page))[0], 'Room created');
  const id = await write('live');
  await showsLast(page, 'old 60', 'live');
  await edit(id, 'edited');
  await showsLast(page, 'old 60', 'edited');

  const [worker] = cluster.workers;
  process.kill(worker?.pid as number, 'SIGSTOP');
  try {
    await type(page, 'of Bob');
    await showsLast(page, 'edited', 'of Bob …');
  } finally {
    process.kill(worker?.pid as number, 'SIGCONT');
  }
  await showsLast(page, 'edited', 'of Bob');
  assert.deepEqual(errors, []);
  await page.close();
});

test('after its gateway was killed, the React example has every message once, also the own one of that time', async () => {
  const { write, edit, open } = await openRoom();
  const { page, errors } = await open();
  const id = await write('before');
  await showsLast(page, 'before');
  const [gateway] = cluster.gateways;
  process.kill(gateway?.pid as number, 'SIGKILL');
  await gateway?.ended;
  cluster.gateways.shift();
  await edit(id, 'edited');
  await write('meanwhile');
  await type(page, 'of Bob');
  await showsLast(page, 'before', 'of Bob …');
  await cluster.startGateway(Number(new URL(url).port));
  await showsLast(page, 'edited', 'meanwhile', 'of Bob');
  await write('after');
  await showsLast(page, 'edited', 'meanwhile', 'of Bob', 'after');
  assert.equal((await textsOf(page)).length, 6);
  assert.deepEqual(errors, []);
  await page.close();
});
