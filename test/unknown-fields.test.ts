import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import * as v from 'valibot';
import { Room, User } from '../shared/contract/answers.ts';
import { newId } from '../shared/contract/ids.ts';
import { Message } from '../shared/contract/messages.ts';
import { bodyOf } from './support/answer-checks.ts';
import { Client, call, createAccount, PASSWORD } from './support/client.ts';
import { startSystem } from './support/system.ts';

// Clients of the Go server that Rooms replaces send fields of their own. Rooms ignores each unknown field. The fields of
// this file would be dangerous if Rooms merged them into a record.

const { cluster } = await startSystem({ gateways: 1, workers: 1 });
const [url] = cluster.urls as [string];
const [ann, bob] = [await createAccount(url, 'Ann'), await createAccount(url, 'Bob')];
const client = await Client.connect(url, ann.token);
after(() => client.close());
const { roomId } = await client.commit({ command: 'CreateRoom', text: 'a room' });

const foreignId = newId();
const fields: [name: string, value: unknown][] = [
  // The last four fields are optional fields of bodies and frames. A merge would fill them.
  [
    '__proto__',
    {
      ...{ roles: ['admin'], isAdmin: true, id: foreignId, userId: bob.id, name: 'polluted', text: 'polluted' },
      ...{ roomType: 'Public', phone: '987654321', purpose: 'update', ref: foreignId },
    },
  ],
  ['roles', ['user', 'admin']],
  ['id', foreignId],
  ['isOnline', true],
  ['userId', bob.id],
  ['seq', 1_000],
];

/** Encodes an object with one more field. The text has the field `__proto__` too, which an object could not have. */
function withField(known: object, name: string, value: unknown): string {
  return `{${JSON.stringify(name)}:${JSON.stringify(value)},${JSON.stringify(known).slice(1)}`;
}

for (const [index, [name, value]] of fields.entries()) {
  test(`the unknown field ${name} changes nothing in bodies, frames and queries`, async () => {
    const send = (request: string, known: object, token?: string) =>
      call(url, request, { body: withField(known, name, value), token });

    const email = `field.${index}@example.com`;
    const person = { firstName: 'First', lastName: 'Last', email, phone: '123456789' };
    const user = bodyOf(User, await send('POST /api/users/register', { ...person, password: PASSWORD }), 201);
    assert.deepEqual([user.roles, user.isOnline, user.firstName], [['user'], false, 'First']);
    assert.ok(user.id !== foreignId && user.id !== bob.id);

    const update = { ...person, firstName: 'Ann', email: ann.email };
    const updated = bodyOf(User, await send('PUT /api/users/update', update, ann.token));
    assert.deepEqual([updated.id, updated.roles, updated.firstName], [ann.id, ['user'], 'Ann']);

    const room = bodyOf(Room, await send('POST /api/rooms', { name: 'the name' }, ann.token), 201);
    assert.deepEqual([room.name, room.ownerId, room.roomType], ['the name', ann.id, 'Private']);
    assert.notEqual(room.id, foreignId);

    const { seq: head } = await client.commit({ command: 'CreateMessage', roomId, text: 'before' });
    const message = bodyOf(Message, await send(`POST /api/messages/${roomId}`, { text: 'Hello' }, ann.token), 201);
    assert.deepEqual([message.userId, message.text, message.seq], [ann.id, 'Hello', head + 1]);
    assert.equal(message.ref, message.id);
    assert.notEqual(message.id, foreignId);

    const ref = newId();
    client.send(withField({ command: 'CreateMessage', roomId, text: 'a frame', ref }, name, value));
    const frame = await client.waitForMessage({ ref });
    assert.deepEqual([frame.userId, frame.text, frame.seq], [ann.id, 'a frame', head + 2]);
    assert.notEqual(frame.id, foreignId);

    const query = `${name}=${encodeURIComponent(JSON.stringify(value))}`;
    const history = bodyOf(v.array(Message), await call(url, `GET /api/messages/${roomId}?size=2&${query}`, ann));
    assert.deepEqual(
      history.map(({ id }) => id),
      [frame.id, message.id],
    );
    const users = bodyOf(v.array(User), await call(url, `GET /api/users?size=1&${query}`, ann));
    assert.equal(users.length, 1);
    assert.equal(({} as { isAdmin?: unknown }).isAdmin, undefined);
  });
}
