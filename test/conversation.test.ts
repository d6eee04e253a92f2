import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Client, call, createAccount } from './support/client.ts';
import { startSystem } from './support/system.ts';

const { cluster } = await startSystem({ gateways: 2, workers: 2 });
const [here, there] = cluster.urls as [string, string];

test('a message from a socket reaches members on every gateway, in order and once', async () => {
  const ann = await createAccount(here, 'Ann');
  const bob = await createAccount(there, 'Bob');
  const annClient = await Client.connect(here, ann.token);
  const bobClient = await Client.connect(there, bob.token);
  const room = await annClient.ask({ command: 'CreateRoom', text: 'first room' });
  await annClient.ask({ command: 'AddUser', roomId: room.roomId, targetId: bob.id });
  await bobClient.frame(({ command, roomId }) => command === 'AddUser' && roomId === room.roomId);
  const texts = Array.from({ length: 50 }, (_, index) => `message ${index}`);
  for (const text of texts) annClient.send({ command: 'CreateMessage', roomId: room.roomId, text, ref: randomUUID() });
  for (const client of [annClient, bobClient]) {
    await client.frame(({ text }) => text === 'message 49');
    const heard = client.frames.filter(({ command, roomId }) => command === 'CreateMessage' && roomId === room.roomId);
    assert.deepEqual(
      heard.map(({ text }) => text),
      texts,
    );
    assert.deepEqual(
      heard.map(({ seq }) => seq),
      texts.map((_, index) => index + 3),
    );
  }
  await Promise.all([annClient.close(), bobClient.close()]);
});

test('the same ref sent twice, over a socket and over HTTP, on two gateways, is one message', async () => {
  const ann = await createAccount(here, 'Ann');
  const client = await Client.connect(here, ann.token);
  const { roomId } = await client.ask({ command: 'CreateRoom', text: 'idempotent' });
  const ref = randomUUID();
  const first = await client.ask({ command: 'CreateMessage', roomId, text: 'once', ref });
  const second = await call(there, `POST /api/messages/${roomId}`, {
    token: ann.token,
    body: { text: 'once' },
    headers: { 'idempotency-key': ref },
  });
  const third = await client.ask({ command: 'CreateMessage', roomId, text: 'once', ref });
  assert.equal(second.status, 201);
  assert.deepEqual([second.body.seq, second.body.id], [first.seq, first.id]);
  assert.deepEqual(third, first);
  const history = await call(there, `GET /api/messages/${roomId}`, { token: ann.token });
  assert.deepEqual(
    history.body.map(({ text }: { text: string }) => text),
    ['once', 'idempotent'],
  );
  const other = await client.ask({ command: 'CreateMessage', roomId, text: 'another', ref });
  assert.equal(other.code, 'ref_reused');
  await client.close();
});
