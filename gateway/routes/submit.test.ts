import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import * as v from 'valibot';
import { Room } from '../../shared/contract/answers.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import { newId } from '../../shared/contract/ids.ts';
import { bodyOf, refused } from '../../test/support/answer-checks.ts';
import { call } from '../../test/support/client.ts';
import { openTestGateway } from '../../test/support/in-process.ts';

const { gateway, url, addUser } = await openTestGateway();

test('a committed command whose record cannot be read is unknown, and the same ref finds its effect', async () => {
  const { token } = await addUser();
  const request = { token, body: { name: 'a room' }, headers: { 'idempotency-key': newId() } };
  mock.method(gateway.reads, 'room', () => Promise.reject(new Refusal('unavailable')));
  refused(await call(url, 'POST /api/rooms', request), 'unknown_outcome');
  mock.restoreAll();
  const { id } = bodyOf(Room, await call(url, 'POST /api/rooms', request), 201);
  const rooms = bodyOf(v.array(Room), await call(url, 'GET /api/rooms', { token }));
  assert.deepEqual(
    rooms.filter(({ name }) => name === 'a room').map((room) => room.id),
    [id],
  );
});
