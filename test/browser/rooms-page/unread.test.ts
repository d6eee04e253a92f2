import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRooms } from './rooms-system.ts';
import { NETWORK_FAULT, Visitor } from './visitor.ts';

const { browser, urls } = await startRooms();
const ann = await Visitor.open({ browser, url: urls[0], firstName: 'Ann', device: 'desktop' });
const bob = await Visitor.open({ browser, url: urls[1], firstName: 'Bob', device: 'phone' });
await Promise.all([ann.signUp(), bob.signUp()]);

test('a room shows how many messages are unread, on each device, until the user reads them', async () => {
  await ann.createRoom('The room', 'Public');
  await bob.findAndJoin('The room');
  await ann.seeMessage('Bob joined the room');
  await bob.showRooms();
  for (const text of ['one', 'two']) await ann.write(text);
  await bob.page.getByText('2 unread messages').waitFor({ state: 'attached' });
  await bob.seeNoFindings('the rooms with an unread message');
  const tab = await bob.context.newPage();
  await tab.goto(urls[1]);
  await tab.getByText('2 unread messages').waitFor({ state: 'attached' });
  await bob.openRoom('The room');
  await bob.see('New messages');
  for (const page of [bob.page, tab]) await page.getByText('2 unread messages').waitFor({ state: 'detached' });
  assert.deepEqual(bob.takeFaults(), []);
});

test('the first view of an empty cache, in milliseconds', async (context) => {
  const times: number[] = [];
  for (let turn = 0; turn < 5; turn++) {
    const visitor = await browser.newContext();
    const page = await visitor.newPage();
    const start = performance.now();
    await page.goto(urls[0]);
    await page.getByRole('heading', { name: 'Rooms' }).waitFor();
    times.push(Math.round(performance.now() - start));
    await visitor.close();
  }
  context.diagnostic(`first view: ${times.join(', ')} ms`);
  assert.deepEqual(ann.takeFaults(NETWORK_FAULT), []);
});
