import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { Room } from '../../shared/contract/answers.ts';
import { newId } from '../../shared/contract/ids.ts';
import { Message } from '../../shared/contract/messages.ts';
import { bodyOf } from '../../test/support/answer-checks.ts';
import { call } from '../../test/support/client.ts';
import { openTestGateway } from '../../test/support/in-process.ts';

const { url, addUser } = await openTestGateway();
const { token } = await addUser();
const room = bodyOf(Room, await call(url, 'POST /api/rooms', { token, body: { name: 'a room' } }), 201);

async function writeMessage(): Promise<Message> {
  return bodyOf(Message, await call(url, `POST /api/messages/${room.id}`, { token, body: { text: 'zero' } }), 201);
}

async function editMessage(id: string, text: string, key: string): Promise<Message> {
  const headers = { 'idempotency-key': key };
  return bodyOf(Message, await call(url, `PUT /api/messages/${id}`, { token, body: { text }, headers }));
}

async function newestMessage(): Promise<Message | undefined> {
  return bodyOf(v.array(Message), await call(url, `GET /api/messages/${room.id}?size=1`, { token }))[0];
}

test('the answer to an edit is the message as the history shows it', async () => {
  const { id } = await writeMessage();
  assert.deepEqual(await editMessage(id, 'one', newId()), await newestMessage());
});

test('the answer to a repeated edit contains a later edit', async () => {
  const { id } = await writeMessage();
  const key = newId();
  await editMessage(id, 'one', key);
  await editMessage(id, 'two', newId());
  assert.deepEqual(await editMessage(id, 'one', key), await newestMessage());
  assert.equal((await newestMessage())?.text, 'two');
});

test('the answer to a deletion is the message as the history shows it', async () => {
  const { id } = await writeMessage();
  const deleted = bodyOf(Message, await call(url, `DELETE /api/messages/${id}`, { token }));
  assert.deepEqual(deleted, await newestMessage());
  assert.equal(deleted.text, '');
});
