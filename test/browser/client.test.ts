import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { chromium, type Page } from 'playwright-core';
import type { Message } from '../../shared/contract/messages.ts';
import { TcpProxy } from '../../shared/local/tcp-proxy.ts';
import { call } from '../support/client.ts';
import { openTestGateway } from '../support/in-process.ts';
import { until } from '../support/until.ts';
import { findChromium } from './find-chromium.ts';
import { servePage } from './serve-page.ts';

// The client library in Chromium: the file that a gateway serves, IndexedDB, the locks of tabs, a WebSocket of a browser.

const { url, addUser } = await openTestGateway({ CORS_ORIGIN: '*' });
const proxy = await TcpProxy.open(url);
const pageUrl = await servePage();
const browser = await chromium.launch({ executablePath: findChromium() ?? 'chromium' });
after(async () => {
  await browser.close();
  await proxy.close();
});

interface InPage {
  client: import('../../shared/client/main.ts').RoomsClient;
  seen: { states: string[]; messages: string[]; outcomes: string[]; errors: string[] };
}
/** The globals of the page. Code in `evaluate` runs there. */
declare const client: InPage['client'];
declare const seen: InPage['seen'];

/** Makes a client in the page, with a store in IndexedDB. */
async function openClient(
  page: Page,
  { id, token }: { id: string; token: string },
  clientUrl = proxy.url,
): Promise<void> {
  await page.goto(pageUrl);
  await page.evaluate(
    async ([fileUrl, gatewayUrl, storeName, userToken]) => {
      const { openIndexedDbStore, RoomsClient } = await import(fileUrl);
      const noted: InPage['seen'] = { states: [], messages: [], outcomes: [], errors: [] };
      const store = await openIndexedDbStore(storeName);
      const opened: InPage['client'] = new RoomsClient({ url: gatewayUrl, token: userToken, store });
      opened.on('state', ({ to }) => noted.states.push(to));
      opened.on('message', ({ text }) => noted.messages.push(text));
      opened.on('outcome', ({ ref, ack, refused }) => noted.outcomes.push(`${ref} ${ack?.seq ?? refused?.code}`));
      opened.on('error', (error) => noted.errors.push(String(error)));
      Object.assign(globalThis, { client: opened, seen: noted });
      void opened.connect();
    },
    [`${url}/client/rooms.js`, clientUrl, id, token] as const,
  );
}

const seenBy = (page: Page) => page.evaluate(() => seen);
const isLive = (page: Page) => until(async () => (await seenBy(page)).states.at(-1) === 'live');
const write = (page: Page, roomId: string, text: string) =>
  page.evaluate(([room, content]) => client.write(room, content), [roomId, text] as const);
const pendingOf = (page: Page) => page.evaluate(() => client.outbox.map(({ ref }) => ref));

async function openRoom() {
  const user = await addUser('Ann');
  const { body } = await call(url, 'POST /api/rooms', { token: user.token, body: { name: 'the room' } });
  const { id: roomId } = body as { id: string };
  const texts = async () => {
    const history = await call(url, `GET /api/messages/${roomId}`, { token: user.token });
    return (history.body as Message[]).map(({ text }) => text).toReversed();
  };
  const context = await browser.newContext();
  return { user, roomId, texts, context };
}

test('a page connects, sends, is cut off and recovers without a gap', async () => {
  const { user, roomId, context } = await openRoom();
  const page = await context.newPage();
  await openClient(page, user);
  await isLive(page);
  assert.equal((await write(page, roomId, 'one')).seq, 2);
  proxy.cut('rst');
  await until(async () => (await seenBy(page)).states.includes('offline'));
  await call(url, `POST /api/messages/${roomId}`, { token: user.token, body: { text: 'meanwhile' } });
  assert.equal((await write(page, roomId, 'two')).seq, 4);
  await until(async () => (await seenBy(page)).messages.length === 3);
  assert.deepEqual((await seenBy(page)).messages, ['one', 'meanwhile', 'two']);
  assert.deepEqual((await seenBy(page)).errors, []);
  // A browser shows a page only those headers of an answer that the gateway exposes, and a view needs one of them.
  const shown = await page.evaluate(async (id) => {
    for await (const { status, messages } of client.room(id)) {
      if (status === 'ready') return messages.map(({ text, state }) => `${text}: ${state}`);
    }
    return [];
  }, roomId);
  assert.deepEqual(shown, ['Room created: committed', 'one: committed', 'meanwhile: committed', 'two: committed']);
  await context.close();
});

test('a page that is reloaded with commands in its outbox sends each once, and reports the outcomes', async () => {
  const { user, roomId, texts, context } = await openRoom();
  const page = await context.newPage();
  await openClient(page, user);
  await isLive(page);
  proxy.onReply = () => undefined;
  void write(page, roomId, 'one').catch(() => undefined);
  void write(page, roomId, 'two').catch(() => undefined);
  await until(async () => (await texts()).includes('one'));
  const refs = await pendingOf(page);
  proxy.heal();
  proxy.cut('rst');
  await openClient(page, user);
  await until(async () => (await seenBy(page)).outcomes.length === 2);
  assert.deepEqual((await seenBy(page)).outcomes, [`${refs[0]} 2`, `${refs[1]} 3`]);
  assert.deepEqual(await texts(), ['Room created', 'one', 'two']);
  assert.deepEqual(await pendingOf(page), []);
  await context.close();
});

test('two tabs share a store: each sends its own commands, and the next tab sends those of a closed one', async () => {
  const { user, roomId, texts, context } = await openRoom();
  const [first, second, third] = [await context.newPage(), await context.newPage(), await context.newPage()];
  const deadProxy = await TcpProxy.open(url);
  after(() => deadProxy.close());
  deadProxy.cut('accept-deaf');
  await openClient(first, user, deadProxy.url);
  for (const text of ['one', 'two']) void write(first, roomId, text).catch(() => undefined);
  await until(async () => (await pendingOf(first)).length === 2);
  await openClient(second, user);
  await write(second, roomId, 'of the second tab');
  assert.deepEqual(await texts(), ['Room created', 'of the second tab']);

  await first.close();
  await openClient(third, user);
  await until(async () => (await seenBy(third)).outcomes.length === 2);
  assert.deepEqual(await texts(), ['Room created', 'of the second tab', 'one', 'two']);
  assert.deepEqual([(await seenBy(second)).outcomes.length, await pendingOf(third)], [1, []]);
  await context.close();
});
