import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call } from '../../support/client.ts';
import { until } from '../../support/until.ts';
import { startRooms } from './rooms-system.ts';
import { ScreenReader } from './screen-reader.ts';
import { NETWORK_FAULT, Visitor } from './visitor.ts';

const { browser, urls, cluster } = await startRooms();
const ann = await Visitor.open({ browser, url: urls[0], firstName: 'Ann', device: 'desktop' });
const bob = await Visitor.open({ browser, url: urls[1], firstName: 'Bob', device: 'phone' });
await Promise.all([ann.signUp(), bob.signUp()]);
await ann.createRoom('The room', 'Public');
await bob.findAndJoin('The room');
await ann.seeMessage('Bob joined the room');

/** Waits until the screen reader has announced the last text. Asserts that it has announced each text once. */
async function assertAnnouncedOnce(reader: ScreenReader, texts: string[]): Promise<void> {
  let announced: string[] = [];
  const times = (text: string) => announced.filter((phrase) => phrase.includes(text)).length;
  await until(
    async () => {
      announced = await reader.announced();
      return times(texts.at(-1) ?? '') > 0;
    },
    20_000,
    () => `announced: ${JSON.stringify(announced)}`,
  );
  assert.deepEqual(
    texts.map((text) => [text, times(text)]),
    texts.map((text) => [text, 1]),
    JSON.stringify(announced),
  );
}

test('a screen reader announces each new message once, with its author, also the own ones', async () => {
  const reader = await ScreenReader.start(ann.page);
  await bob.write('Hello Ann');
  await ann.seeMessage('Hello Ann');
  await ann.write('Hello Bob');
  await ann.seeMessage('Hello Bob');
  await assertAnnouncedOnce(reader, ['Bob Example: Hello Ann', 'You: Hello Bob']);
  await bob.write('the last one');
  await assertAnnouncedOnce(reader, ['Hello Ann', 'Hello Bob', 'the last one']);
  await reader.stop();
});

test('a screen reader announces what was missed while the connection was lost, each message once', async () => {
  const reader = await ScreenReader.start(ann.page);
  const port = Number(new URL(urls[0]).port);
  process.kill(cluster.gateways[0]?.pid ?? assert.fail('no gateway'), 'SIGKILL');
  await ann.page.getByText(/^Offline/).waitFor();
  await ann.write('of Ann, while offline');
  const missed = Array.from({ length: 8 }, (_, index) => `missed number ${index + 1}`);
  for (const text of missed) {
    await bob.write(text);
    await bob.seeMessage(text);
  }
  await cluster.startGateway(port);
  await ann.seeMessage('missed number 8');
  await ann.seeMessage('of Ann, while offline');
  await bob.write('after the fault');
  await assertAnnouncedOnce(reader, ['of Ann, while offline', ...missed, 'after the fault']);
  ann.takeFaults(NETWORK_FAULT);
  await reader.stop();
});

test('a screen reader does not announce the history that loads', async () => {
  const token = await bob.token();
  const room = new URL(bob.page.url()).hash.split('/').at(-1);
  const write = (text: string) => call(urls[1], `POST /api/messages/${room}`, { token, body: { text } });
  for (let number = 1; number <= 60; number++) await write(`old ${number}`);
  await ann.page.reload();
  await ann.seeMessage('old 60');
  const reader = await ScreenReader.start(ann.page);
  await ann.page.evaluate("document.querySelector('[role=log]').scrollTo(0, 0)");
  await ann.seeMessage('Hello Ann');
  await bob.write('new after the history');
  await assertAnnouncedOnce(reader, ['new after the history']);
  assert.deepEqual(
    (await reader.announced()).filter((phrase) => /old \d/.test(phrase)),
    [],
  );
  await reader.stop();
});
