import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openTestGateway } from '../../test/support/in-process.ts';
import { until } from '../../test/support/until.ts';
import { Events } from './events.ts';
import { Http } from './http.ts';
import type { Outcome, Pending } from './outbox.ts';
import type { Command, Message } from './protocol.ts';
import { Refused } from './refused.ts';
import { type RoomSource, RoomView, type ViewOptions } from './room-view.ts';

const { url, addUser } = await openTestGateway();
const [ann, bob] = [await addUser('Ann'), await addUser('Bob')];
const http = new Http({ url, token: ann.token });

/** What reaches a view: the stream is in the hands of the test, and the history comes from a gateway. */
async function openRoom(texts: string[], options?: ViewOptions) {
  const { body: room } = await http.request<{ id: string }>('POST', '/api/rooms', { name: 'the room' });
  const roomId = room.id;
  const events = new Events<RoomEvents>();
  const stream = { position: undefined as number | undefined };
  const write = async (text: string) => (await http.request<Message>('POST', `/api/messages/${roomId}`, { text })).body;
  for (const text of texts) await write(text);
  const source: RoomSource = {
    ...{ userId: ann.id, outbox: [], on: (name, listener) => events.on(name, listener) },
    request: (method, path) => http.request(method, path),
    positionOf: () => stream.position,
    send: async (command: Command, ref = '') => {
      events.emit('sending', { ref, command });
      return new Promise(() => undefined);
    },
  };
  const deliver = (message: Message) => {
    stream.position = message.seq;
    events.emit('message', message);
  };
  const view = new RoomView(source, roomId, options);
  const textsNow = () => view.getSnapshot().messages.map(({ text }) => text);
  return { roomId, events, stream, write, deliver, view, textsNow };
}

interface RoomEvents {
  state: { reason: string };
  message: Message;
  resync: { roomId: string };
  left: { roomId: string };
  sending: Pending;
  outcome: Outcome;
}
const isReady = ({ view }: { view: RoomView }) => until(() => view.getSnapshot().status === 'ready');

test('a page and the stream join without a gap or a second copy', async () => {
  const room = await openRoom(['one', 'two']);
  const three = await room.write('three');
  room.deliver(three);
  await isReady(room);
  room.deliver(await room.write('four'));
  assert.deepEqual(room.textsNow(), ['Room created', 'one', 'two', 'three', 'four']);
});

test('a view that misses messages of the stream loads its page again', async () => {
  const room = await openRoom(['one']);
  await isReady(room);
  await room.write('two');
  room.deliver(await room.write('three'));
  await isReady(room);
  assert.deepEqual(room.textsNow(), ['Room created', 'one', 'two', 'three']);
  // The stream has moved on without a message for this view, for example before the first connection.
  room.stream.position = (await room.write('four')).seq;
  room.events.emit('state', { reason: 'resumed' });
  await until(() => room.textsNow().includes('four'));
});

test('history loads upward until the memory of the view is full, and new messages push out old ones', async () => {
  const room = await openRoom(['1', '2', '3', '4', '5', '6', '7', '8'], { size: 3, maxMessages: 6 });
  await isReady(room);
  assert.deepEqual([room.textsNow(), room.view.getSnapshot().hasOlder], [['6', '7', '8'], true]);
  assert.equal(await room.view.loadOlder(), true);
  assert.equal(await room.view.loadOlder(), false);
  assert.deepEqual(room.textsNow(), ['3', '4', '5', '6', '7', '8']);
  room.deliver(await room.write('9'));
  assert.deepEqual(room.textsNow(), ['4', '5', '6', '7', '8', '9']);
});

test('the members and their names are in the snapshot, also those of a user who joins', async () => {
  const room = await openRoom([]);
  await isReady(room);
  const path = `/api/rooms/${room.roomId}/users/${bob.id}`;
  room.deliver((await http.request<Message>('POST', path)).body);
  await until(() => room.view.getSnapshot().members.some(({ firstName }) => firstName === 'Bob'));
  room.deliver((await http.request<Message>('DELETE', path)).body);
  assert.deepEqual(
    room.view.getSnapshot().members.map(({ id }) => id),
    [ann.id],
  );
});

test('an own message is sending, then committed, then part of the history with the same key', async () => {
  const room = await openRoom([]);
  await isReady(room);
  const ref = crypto.randomUUID();
  void room.view.write('hello', ref);
  const states = () =>
    room.view
      .getSnapshot()
      .messages.map((message) => [message.ref, message.state])
      .slice(1);
  assert.deepEqual(states(), [[ref, 'sending']]);
  const message = { ...(await room.write('hello')), ref };
  const command: Command = { command: 'CreateMessage', roomId: room.roomId, text: 'hello' };
  room.events.emit('outcome', { ref, command, ack: { ...message, command: 'Ack' } });
  assert.deepEqual(states(), [[ref, 'committed']]);
  room.deliver(message);
  assert.deepEqual(states(), [[ref, 'committed']]);
  assert.equal(room.view.getSnapshot().messages.length, 2);
});

test('a failed message can be sent again with a new ref, or discarded', async () => {
  const room = await openRoom([]);
  await isReady(room);
  const fail = (ref: string) => {
    const command: Command = { command: 'CreateMessage', roomId: room.roomId, text: 'hello' };
    room.events.emit('outcome', { ref, command, refused: new Refused('read_only_room') });
  };
  const first = crypto.randomUUID();
  void room.view.write('hello', first);
  fail(first);
  const own = () => room.view.getSnapshot().messages.slice(1);
  assert.deepEqual(
    own().map(({ state }) => state),
    ['failed'],
  );
  void room.view.retry(first);
  const [again] = own();
  assert.deepEqual([again?.state, again?.text, again?.ref === first], ['sending', 'hello', false]);
  fail(again?.ref ?? '');
  room.view.discard(again?.ref ?? '');
  assert.deepEqual(own(), []);
});

test('a snapshot is the same object until something changes, and one turn of changes is one call', async () => {
  const room = await openRoom(['one']);
  await isReady(room);
  const before = room.view.getSnapshot();
  assert.equal(room.view.getSnapshot(), before);
  let calls = 0;
  room.view.subscribe(() => calls++);
  const [two, three] = [await room.write('two'), await room.write('three')];
  await Promise.resolve();
  calls = 0;
  room.deliver(two);
  room.deliver(three);
  await Promise.resolve();
  assert.equal(calls, 1);
  const after = room.view.getSnapshot();
  assert.notEqual(after, before);
  assert.equal(after.messages[1], before.messages[1]);
  assert.deepEqual(
    before.messages.map(({ text }) => text),
    ['Room created', 'one'],
  );
});

test('the iterator yields the newest snapshot, and ends with the view', async () => {
  const room = await openRoom(['one']);
  const seen: string[] = [];
  for await (const { messages, status } of room.view) {
    seen.push(messages.at(-1)?.text ?? status);
    if (seen.at(-1) === 'two') room.view.close();
    if (status === 'ready' && seen.at(-1) === 'one') room.deliver(await room.write('two'));
  }
  assert.deepEqual(seen, ['loading', 'one', 'two']);
});

test('a room that the user does not see is gone', async () => {
  const room = await openRoom([]);
  await isReady(room);
  await http.request('DELETE', `/api/rooms/${room.roomId}`);
  room.events.emit('left', { roomId: room.roomId });
  await until(() => room.view.getSnapshot().status === 'gone');
});
