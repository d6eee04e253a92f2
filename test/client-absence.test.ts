import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { fold } from '../shared/client/fold.ts';
import type { Message } from '../shared/client/protocol.ts';
import { RoomsClient } from '../shared/client/rooms-client.ts';
import { MemoryStore } from '../shared/client/store.ts';
import { addUser, database, openClient, openRoom, optionsOf, seqsOf } from './support/library-clients.ts';
import { until } from './support/until.ts';
import { from } from './support/whole-numbers.ts';

// What the client library gets when it comes back after an absence.

test('a state, folded with what was missed, is what HTTP reads: edits, deletions, members, names', async () => {
  const { ann, bobId, roomId } = await openRoom();
  const send = (command: 'UpdateMessage' | 'DeleteMessage', targetId: string, text = '') =>
    ann.client.send({ command, roomId, targetId, text });
  const [edited, deleted, both] = [
    await ann.client.write(roomId, '1'),
    await ann.client.write(roomId, '2'),
    await ann.client.write(roomId, '3'),
  ];
  const store = new MemoryStore();
  const before = await openClient(bobId, { store, keepPositions: true });
  const stateBefore = await stateOf(before.client, roomId);
  await before.client.close();

  const { id: cidId } = await addUser('Cid');
  await send('UpdateMessage', edited.id, 'edited once');
  await send('UpdateMessage', edited.id, 'edited');
  await send('DeleteMessage', deleted.id);
  await send('UpdateMessage', both.id, 'edited, then deleted');
  await send('DeleteMessage', both.id);
  const late = await ann.client.write(roomId, 'late');
  await send('UpdateMessage', late.id, 'late and edited');
  await ann.client.send({ command: 'AddUser', roomId, targetId: cidId });
  await ann.client.send({ command: 'UpdateRoom', roomId, text: 'the new name' });

  const bob = await openClient(bobId, { store, keepPositions: true });
  const missed = bob.seen.messages.filter((message) => message.roomId === roomId);
  const shown = (value: unknown) => JSON.parse(JSON.stringify(value));
  assert.deepEqual(shown(missed.reduce(fold, stateBefore)), shown(await stateOf(bob.client, roomId)));
  assert.deepEqual(
    missed.map(({ seq }) => seq),
    from(6, 14),
  );
  assert.deepEqual(bob.client.rooms.get(roomId), { name: 'the new name', roomType: 'Private' });
});

/** The state of a room, as a new view reads it over HTTP. */
async function stateOf(client: RoomsClient, roomId: string) {
  const view = client.room(roomId);
  await until(() => view.getSnapshot().status === 'ready');
  const { name, members, messages } = view.getSnapshot();
  view.close();
  return {
    ...{ name, isDeleted: false, seq: client.positionOf(roomId) ?? 0, memberIds: members.map(({ id }) => id) },
    messages: messages.map(({ state: _state, ...message }) => message as Message),
  };
}

test('a member who was removed and came back jumps to the own AddUser, and the view shows the room of now', async () => {
  const { ann, bobId, roomId } = await openRoom();
  const store = new MemoryStore();
  const before = await openClient(bobId, { store, keepPositions: true });
  await before.client.close();
  const change = (command: 'AddUser' | 'RemoveUser') => ann.client.send({ command, roomId, targetId: bobId });
  await ann.client.write(roomId, 'before the removal');
  await change('RemoveUser');
  await ann.client.write(roomId, 'without Bob');
  await change('AddUser');
  const bob = await openClient(bobId, { store, keepPositions: true });
  assert.deepEqual(seqsOf(bob.seen.messages, roomId), [3, 4, 6]);
  const view = bob.client.room(roomId);
  await until(() => view.getSnapshot().status === 'ready');
  // The same on an open connection, with an open view.
  await change('RemoveUser');
  await until(() => view.getSnapshot().status === 'gone');
  await change('AddUser');
  await until(() => view.getSnapshot().status === 'ready');
  await ann.client.write(roomId, 'together');
  await until(() => view.getSnapshot().messages.at(-1)?.text === 'together');
  assert.deepEqual(seqsOf(bob.seen.messages, roomId), [3, 4, 6, 7, 8, 9]);
});

test('a room that was left or deleted while the client was offline ends with its last message, then left', async () => {
  const { ann, bobId, roomId } = await openRoom();
  const store = new MemoryStore();
  const before = await openClient(bobId, { store, keepPositions: true });
  await before.client.close();
  await ann.client.send({ command: 'DeleteRoom', roomId });
  const bob = await openClient(bobId, { store, keepPositions: true });
  assert.deepEqual(
    bob.seen.messages.map(({ command }) => command),
    ['DeleteRoom'],
  );
  await until(() => bob.seen.events.length === 1);
  assert.deepEqual(bob.seen.events, [`left ${roomId}`]);
  await bob.client.close();
  assert.deepEqual(await store.entries(`position/${roomId}`), []);
});

test('with more missed messages than the client wants, it gets a resync, and the view shows everything', async () => {
  const { ann, bobId, roomId } = await openRoom();
  const store = new MemoryStore();
  const before = await openClient(bobId, { store, keepPositions: true });
  await before.client.close();
  for (const number of from(1, 5)) await ann.client.write(roomId, `message ${number}`);
  const bob = await openClient(bobId, { store, keepPositions: true, most: 3 });
  const view = bob.client.room(roomId);
  assert.deepEqual([bob.seen.events, seqsOf(bob.seen.messages, roomId)], [[`resync ${roomId} 7`], []]);
  await ann.client.write(roomId, 'the next one');
  await until(() => view.getSnapshot().messages.at(-1)?.text === 'the next one');
  assert.equal(view.getSnapshot().messages.length, 8);
  assert.deepEqual(seqsOf(bob.seen.messages, roomId), [8]);
});

test('a reader that is slower than the room gets every message, and the client keeps only some of them', async () => {
  const { ann, annId, bobId, roomId } = await openRoom();
  const bob = await openClient(bobId);
  const messages = bob.client.messages();
  const first = messages.next();
  await database`
    insert into messages (room_id, seq, id, user_id, command, target_id, text, created_at, updated_at, ref, fingerprint, history_index)
    select ${roomId}, seq, gen_random_uuid(), ${annId}, 'CreateMessage', ${roomId}, '', now(), now(), gen_random_uuid(), 0, seq
    from generate_series(3, 2502) seq`;
  await database`update rooms set seq = 2502 where id = ${roomId}`;
  await ann.client.write(roomId, 'the last one');
  await until(() => messages.isFull);
  const seqs = [(await first).value?.seq];
  while (seqs.at(-1) !== 2503) seqs.push((await messages.next()).value?.seq);
  assert.deepEqual(seqs, from(3, 2503));
  assert.ok(bob.seen.states.includes('recovering: slow_reader'), inspect(bob.seen.states));
});

test('a bot continues with the message that it has not handled', async () => {
  const { ann, bobId, roomId } = await openRoom();
  const store = new MemoryStore();
  const openBot = async () => {
    const client = new RoomsClient({ ...optionsOf(bobId), store, keepPositions: true });
    const reading = client.messages();
    await client.connect();
    const read = async () => (await reading.next()).value?.seq;
    return { read, close: () => client.close() };
  };
  let bot = await openBot();
  for (const number of from(1, 4)) await ann.client.write(roomId, `${number}`);
  assert.deepEqual([await bot.read(), await bot.read(), await bot.read()], [3, 4, 5]);
  await bot.close();
  // It has not asked for the message after this one.
  bot = await openBot();
  assert.equal(await bot.read(), 5);
  await bot.close();
  bot = await openBot();
  assert.deepEqual([await bot.read(), await bot.read()], [5, 6]);
  await bot.close();
});

test('after the epoch has changed, the client begins at the heads and gets a resync for each room', async () => {
  const { ann, bobId, roomId } = await openRoom();
  const store = new MemoryStore();
  const before = await openClient(bobId, { store, keepPositions: true });
  const view = before.client.room(roomId);
  await until(() => view.getSnapshot().status === 'ready');
  await before.client.close();
  await store.change({ epoch: crypto.randomUUID(), [`position/${roomId}`]: '1' });
  await ann.client.write(roomId, 'in the new epoch');
  const bob = await openClient(bobId, { store, keepPositions: true });
  const rooms = ['announcements', 'general', roomId];
  const seqs = rooms.map((id) => bob.client.positionOf(id));
  assert.deepEqual(bob.seen.events.toSorted(), rooms.map((id, index) => `resync ${id} ${seqs[index]}`).toSorted());
  assert.deepEqual([seqs[2], bob.seen.messages], [3, []]);
  await bob.client.close();
  assert.deepEqual(await store.entries(`position/${roomId}`), [[`position/${roomId}`, '3']]);
});
