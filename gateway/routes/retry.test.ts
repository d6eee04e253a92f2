import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Room } from '../../shared/contract/answers.ts';
import { type ErrorCode, errors } from '../../shared/contract/errors.ts';
import { newId } from '../../shared/contract/ids.ts';
import { Message } from '../../shared/contract/messages.ts';
import { bodyOf, refused } from '../../test/support/answer-checks.ts';
import { Client, call } from '../../test/support/client.ts';
import { openTestGateway } from '../../test/support/in-process.ts';

const { gateway, url, addUser } = await openTestGateway();
const { id: userId, token } = await addUser();
const client = await Client.connect(url, token);
const { roomId } = await client.commit({ command: 'CreateRoom', text: 'a room' });
const write = (ref: string, by = token, text = 'Hello World!') =>
  call(url, `POST /api/messages/${roomId}`, { token: by, body: { text }, headers: { 'idempotency-key': ref } });
const codesWith = (isWanted: (code: ErrorCode) => boolean) => (Object.keys(errors) as ErrorCode[]).filter(isWanted);

test('`after_login`: with a new token, the same command has one effect', async () => {
  const ref = newId();
  bodyOf(Message, await write(ref), 201);
  await call(url, 'POST /api/users/logout', { token });
  assert.equal(refused(await write(ref), 'token_revoked').retry, 'after_login');
  const newToken = await gateway.tokens.sign(userId, 0);
  const { seq } = bodyOf(Message, await write(ref, newToken), 201);
  assert.equal(seq, 2);
  await client.waitForClose();
});

test('`new_ref`: with the same ref, another command is always refused, and with a new one it is done', async () => {
  const [ref, newToken] = [newId(), await gateway.tokens.sign(userId, 0)];
  bodyOf(Message, await write(ref, newToken, 'one'), 201);
  for (let time = 0; time < 2; time++) {
    assert.equal(refused(await write(ref, newToken, 'two'), 'ref_reused').retry, 'new_ref');
  }
  const { seq } = bodyOf(Message, await write(newId(), newToken, 'two'), 201);
  assert.equal(seq, 4);
});

test('a room that was created and then deleted is not created by the same request again', async () => {
  const by = await gateway.tokens.sign(userId, 0);
  const headers = { 'idempotency-key': newId() };
  const create = () => call(url, 'POST /api/rooms', { token: by, body: { name: 'a short life' }, headers });
  const { id } = bodyOf(Room, await create(), 201);
  assert.equal(bodyOf(Room, await create(), 201).id, id);
  await call(url, `DELETE /api/rooms/${id}`, { token: by });
  refused(await create(), 'no_such_room');
});

test('a frame and an answer over HTTP have the same `retry`', async () => {
  const newToken = await gateway.tokens.sign(userId, 0);
  const other = await Client.connect(url, newToken);
  const command = { command: 'CreateMessage', roomId: newId(), text: 'Hello World!' } as const;
  const frame = await other.ask(command);
  const answer = await call(url, `POST /api/messages/${command.roomId}`, { token: newToken, body: { text: 'hello' } });
  assert.ok('code' in frame);
  assert.deepEqual([frame.code, frame.retry], ['no_such_room', 'no']);
  assert.equal(refused(answer, 'no_such_room').retry, 'no');
  await other.close();
});

test('a refusal is not final exactly if its status says that it is about the server, a limit or the token', () => {
  const sameRef = codesWith((code) => errors[code].status === 429 || errors[code].status >= 500);
  assert.deepEqual(
    codesWith((code) => errors[code].retry === 'same_ref'),
    sameRef,
  );
  assert.deepEqual(
    codesWith((code) => errors[code].status === 401 && errors[code].retry === 'no'),
    ['query_token_off', 'wrong_otp', 'wrong_credentials'],
  );
});
