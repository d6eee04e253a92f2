import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { Events } from '../../shared/contract/answers.ts';
import { newId } from '../../shared/contract/ids.ts';
import { Message } from '../../shared/contract/messages.ts';
import { bodyOf, refused } from '../../test/support/answer-checks.ts';
import { Client, call } from '../../test/support/client.ts';
import { openTestGateway } from '../../test/support/in-process.ts';

const { url, addUser } = await openTestGateway();
const [ann, bob] = [await addUser('Ann'), await addUser('Bob')];
const client = await Client.connect(url, ann.token);
const { roomId } = await client.commit({ command: 'CreateRoom', text: 'a room' });
const ofRoom = { roomId, targetId: roomId };
const commit = (command: 'AddUser' | 'RemoveUser' | 'UpdateMessage' | 'DeleteMessage', targetId: string, text = '') =>
  client.commit({ command, roomId, targetId, text });

async function readEvents(query = '', token = ann.token) {
  return bodyOf(Events, await call(url, `GET /api/rooms/${roomId}/events${query}`, { token }));
}

async function readHistory(query: string) {
  const answer = await call(url, `GET /api/messages/${roomId}${query}`, { token: ann.token });
  return { messages: bodyOf(v.array(Message), answer), seq: Number(answer.headers.get('rooms-seq')) };
}

test('events are all messages of a room, in order and in their current state', async () => {
  const edited = await client.commit({ command: 'CreateMessage', roomId, text: 'first text' });
  const deleted = await client.commit({ command: 'CreateMessage', roomId, text: 'soon gone' });
  await commit('AddUser', bob.id);
  await commit('UpdateMessage', edited.id, 'second text');
  await commit('DeleteMessage', deleted.id);
  await commit('RemoveUser', bob.id);
  await client.commit({ command: 'UpdateRoom', ...ofRoom, text: 'another name' });
  const { events, head } = await readEvents();
  assert.equal(head, 8);
  assert.deepEqual(
    events.map(({ seq, command, targetId, text }) => [seq, command, targetId, text]),
    [
      [1, 'CreateRoom', roomId, 'Room created'],
      [2, 'CreateMessage', roomId, 'second text'],
      [3, 'CreateMessage', roomId, ''],
      [4, 'AddUser', bob.id, 'Bob joined the room'],
      [5, 'UpdateMessage', edited.id, 'second text'],
      [6, 'DeleteMessage', deleted.id, ''],
      [7, 'RemoveUser', bob.id, 'Bob left the room'],
      [8, 'UpdateRoom', roomId, 'Room updated'],
    ],
  );
  // A message that was not changed since is the one that the sockets got.
  const received = await client.waitForMessage({ command: 'UpdateRoom', roomId });
  assert.deepEqual(events.at(-1), received);
});

test('pages of events follow each other without a gap up to the head', async () => {
  const seqs: number[] = [];
  for (;;) {
    const { events, head } = await readEvents(`?after=${seqs.at(-1) ?? 0}&size=3`);
    seqs.push(...events.map(({ seq }) => seq));
    if (seqs.at(-1) === head) break;
    assert.equal(events.length, 3);
  }
  assert.deepEqual(seqs, [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual(await readEvents('?after=8'), { events: [], head: 8 });
  assert.deepEqual(await readEvents(`?after=${Number.MAX_SAFE_INTEGER}`), { events: [], head: 8 });
  // A size that is not valid counts as the default, a larger one as the maximum.
  for (const size of ['0', 'x', '501']) assert.equal((await readEvents(`?size=${size}`)).events.length, 8);
});

test('a wrong position is refused, and a former member does not see the room', async () => {
  for (const after of ['-1', 'x', '1.5', `${Number.MAX_SAFE_INTEGER + 1}`, '9'.repeat(400), '']) {
    const answer = await call(url, `GET /api/rooms/${roomId}/events?after=${after}`, { token: ann.token });
    assert.equal(refused(answer, 'invalid_field').field, 'after');
  }
  refused(await call(url, `GET /api/rooms/${roomId}/events`, { token: bob.token }), 'no_such_room');
  refused(await call(url, `GET /api/rooms/${newId()}/events`, { token: ann.token }), 'no_such_room');
});

test('a history says up to which seq it is current, so that events continue it', async () => {
  for (const query of ['', '?size=1', '?before=3', '?after=2&size=1', '?page=9']) {
    assert.equal((await readHistory(query)).seq, 8, query);
  }
  const { messages, seq } = await readHistory('?size=100');
  const [edited] = messages.filter(({ text }) => text === 'second text') as [Message];
  await commit('UpdateMessage', edited.id, 'third text');
  const { events } = await readEvents(`?after=${seq}`);
  assert.deepEqual(
    events.map(({ seq, command, targetId, text }) => [seq, command, targetId, text]),
    [[9, 'UpdateMessage', edited.id, 'third text']],
  );
});

test('pages of other origins may read the header of a history', async () => {
  const { headers } = await call(url, 'GET /api/messages/general', {
    token: ann.token,
    headers: { origin: 'https://example.com' },
  });
  assert.match(headers.get('access-control-expose-headers') ?? '', /\bRooms-Seq\b/);
  assert.equal(headers.get('rooms-seq'), '0');
});

test('a deleted room has no events, and the last page of a history has no header', async () => {
  await client.commit({ command: 'DeleteRoom', ...ofRoom });
  refused(await call(url, `GET /api/rooms/${roomId}/events`, { token: ann.token }), 'no_such_room');
  const answer = await call(url, `GET /api/messages/${roomId}`, { token: ann.token });
  refused(answer, 'no_such_room');
  assert.equal(answer.headers.get('rooms-seq'), null);
  await client.close();
});
