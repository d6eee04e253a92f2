import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRooms } from './rooms-system.ts';
import { Visitor } from './visitor.ts';

/** With the message that records the creation of the room, the page shows 10,000. */
const STORED = 9_999;
/** A reader sees no difference below this. */
const MAX_MOVED_PX = 2;

const { browser, urls, database } = await startRooms();
const ann = await Visitor.open({ browser, url: urls[0], firstName: 'Ann', device: 'desktop' });
await ann.signUp();
await ann.createRoom('The room', 'Public');
const roomId = new URL(ann.page.url()).hash.split('/').at(-1) as string;
await database`
  insert into messages
    (room_id, seq, id, user_id, command, target_id, text, created_at, updated_at, ref, fingerprint, history_index)
  select room.id, 1 + n, gen_random_uuid(), room.owner_id, 'CreateMessage', room.id,
    'message ' || n || repeat(' and some words', n % 40), now(), now(), gen_random_uuid(), 0, 1 + n
  from rooms room, generate_series(1, ${STORED}::int) n where room.id = ${roomId}`;
await database`update rooms set seq = 1 + ${STORED}, history_length = 1 + ${STORED} where id = ${roomId}`;

/**
 * Scrolls to the first message that is loaded, and waits until older ones are there.
 * @returns the number of messages, and how far the message at the top has moved on the screen, in pixels
 */
const loadOlder = `(async () => {
  const frame = () => new Promise(requestAnimationFrame);
  const list = document.querySelector('[role=log]');
  const before = list.querySelectorAll('[data-ref]').length;
  const first = list.querySelector('[data-ref]');
  list.scrollTop = 0;
  const top = first.getBoundingClientRect().top;
  const deadline = performance.now() + 10_000;
  while (list.querySelectorAll('[data-ref]').length === before && performance.now() < deadline) await frame();
  for (let turn = 0; turn < 3; turn++) await frame();
  const moved = first.getBoundingClientRect().top - top;
  return { count: list.querySelectorAll('[data-ref]').length, moved };
})()`;

const watchLongTasks = `globalThis.longTasks = [];
  new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => Math.round(duration))))
    .observe({ type: 'longtask' });`;

test('a reader goes back through 10,000 messages, each is there once, and none moves on the screen', async (context) => {
  await ann.page.reload();
  await ann.page.getByText(new RegExp(`^message ${STORED}`)).waitFor();
  await ann.page.evaluate(watchLongTasks);
  const moves: number[] = [];
  let count = 0;
  for (let turn = 0; turn < 250 && count < STORED + 1; turn++) {
    const step = await ann.page.evaluate<{ count: number; moved: number }>(loadOlder);
    assert.ok(step.count > count, `no older message came after ${count}`);
    count = step.count;
    moves.push(Math.abs(step.moved));
  }
  const texts = await ann.texts();
  const expected = Array.from({ length: STORED }, (_, index) => `message ${index + 1}`);
  assert.deepEqual(
    texts.slice(1).map((text) => text.match(/^message \d+/)?.[0]),
    expected,
  );
  const longest = await ann.page.evaluate<number[]>('longTasks');
  context.diagnostic(`tasks over 50 ms: ${longest.length}, the longest ${Math.max(0, ...longest)} ms`);
  context.diagnostic(`the message at the top moved by at most ${Math.max(...moves)} px in ${moves.length} pages`);
  assert.ok(Math.max(...moves) <= MAX_MOVED_PX, `${moves}`);
});

// The page is full: for each new message it drops the oldest one, which the reader sees.
test('a new message does not move what a reader of old messages sees', async () => {
  const ref = await ann.page.evaluate<string>("document.querySelectorAll('[data-ref]')[5].dataset.ref");
  const position = () =>
    ann.page.evaluate<number>(`document.querySelector('[data-ref="${ref}"]').getBoundingClientRect().top`);
  const bob = await Visitor.open({ browser, url: urls[1], firstName: 'Bob', device: 'phone' });
  await bob.signUp();
  const before = await position();
  await bob.findAndJoin('The room');
  await bob.write('a new message');
  const button = ann.page.getByRole('button', { name: '2 new messages ↓' });
  await button.waitFor();
  assert.ok(Math.abs((await position()) - before) <= MAX_MOVED_PX);
  await button.click();
  await ann.seeMessage('a new message');
  await button.waitFor({ state: 'detached' });
  assert.deepEqual(ann.takeFaults(), []);
});
