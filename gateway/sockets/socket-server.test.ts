import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mock, test } from 'node:test';
import { setImmediate as tick } from 'node:timers/promises';
import { refused } from '../../test/support/answer-checks.ts';
import { Client, call } from '../../test/support/client.ts';
import { openTestGateway } from '../../test/support/in-process.ts';

const { gateway, url, addUser, openAnother } = await openTestGateway({ SOCKETS_PER_USER: '2', SOCKET_RATE: '5' });

test('when one of two gateways in a process stops, the sockets of the other gateway stay open', async () => {
  const { token } = await addUser();
  const second = await openAnother();
  const [staying, moving] = [await Client.connect(url, token), await Client.connect(second.url, token)];
  await second.gateway.stop();
  assert.deepEqual(await moving.waitForClose(), { code: 4000, reason: 'going away' });
  await staying.commit({ command: 'CreateRoom', text: 'a room' });
  await staying.close();
});

test('a message from a socket of one gateway reaches the sockets of another gateway in the same process', async () => {
  const [ann, second] = [await addUser('Ann'), await openAnother()];
  const [writer, reader] = [await Client.connect(url, ann.token), await Client.connect(second.url, ann.token)];
  const { roomId } = await writer.commit({ command: 'CreateRoom', text: 'a room' });
  await writer.commit({ command: 'CreateMessage', roomId, text: 'Hello World!' });
  await reader.waitForMessage({ text: 'Hello World!' });
  assert.deepEqual(reader.seqs(roomId), [1, 2]);
  await Promise.all([writer.close(), reader.close()]);
  await second.gateway.stop();
});

test('a user may have 2 sockets, and after one of them closes a new socket can open', async () => {
  const { token } = await addUser();
  const clients = [await Client.connect(url, token), await Client.connect(url, token)];
  const refused = await Client.connect(url, token, 'classic');
  assert.deepEqual(await refused.waitForClose(), { code: 4129, reason: 'too_many_sockets' });
  await clients.pop()?.close();
  clients.push(await Client.connect(url, token));
  await Promise.all(clients.map((client) => client.close()));
});

test('commands over the rate of a socket are refused', async () => {
  const { token } = await addUser();
  const client = await Client.connect(url, token);
  const { roomId } = await client.commit({ command: 'CreateRoom', text: 'a room' });
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, index) => client.ask({ command: 'CreateMessage', roomId, text: `${index}` })),
  );
  const refused = answers.filter((answer) => answer.command === 'Error');
  assert.ok(refused.length >= 8, `${refused.length} of 30 were refused`);
  assert.deepEqual([...new Set(refused.map(({ code, retryAfter }) => `${code} ${retryAfter}`))], ['rate_limited 1']);
  await client.close();
});

test('a socket that sends frames at more than four times the rate of commands is closed', async () => {
  const { token } = await addUser();
  const client = await Client.connect(url, token);
  for (let index = 0; index < 100; index++) client.send('nonsense');
  assert.deepEqual(await client.waitForClose(), { code: 4129, reason: 'rate_limited' });
});

test('the Error frame for an invalid field contains the field, its bound and the ref', async () => {
  const { token } = await addUser();
  const client = await Client.connect(url, token);
  const { ref, ...frame } = await client.ask({ command: 'CreateRoom', text: 'no' });
  assert.deepEqual(frame, {
    command: 'Error',
    error: 'text: at least 3 characters',
    code: 'too_short',
    retry: 'no',
    field: 'text',
    bound: 3,
  });
  assert.ok(ref);
  await client.close();
});

test('a gateway stops following a room that is deleted, while the members stay connected', async () => {
  const { token } = await addUser();
  // The sockets of earlier tests leave their rooms a moment after they are closed.
  while (gateway.liveRooms.counts.rooms > 0) await tick();
  const client = await Client.connect(url, token);
  const before = gateway.liveRooms.counts.rooms;
  const { roomId } = await client.commit({ command: 'CreateRoom', text: 'a room' });
  // A socket that has not joined yet gets no message of a room that is deleted.
  await client.waitForMessage({ roomId, seq: 1 });
  assert.equal(gateway.liveRooms.counts.rooms, before + 1);
  await client.commit({ command: 'DeleteRoom', roomId });
  while (gateway.liveRooms.counts.rooms !== before) await tick();
  await client.waitForMessage({ roomId, seq: 2 });
  assert.deepEqual(client.seqs(roomId), [1, 2]);
  await client.close();
});

test('a failed attach is logged once, whatever the number of commands that wait for it', async () => {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => undefined); // The gateway may ask for it after it is rejected.
  const { token } = await addUser();
  mock.method(gateway.reads, 'attachment', () => promise);
  const logged = mock.method(gateway.log, 'error');
  const client = await Client.connect(url, token, 'classic');
  for (let count = 0; count < 5; count++) client.send({ command: 'CreateRoom', text: 'a room' });
  client.socket.ping();
  await once(client.socket, 'pong'); // The gateway has received the commands.
  reject(new Error('this read fails'));
  assert.deepEqual(await client.waitForClose(), { code: 4100, reason: 'internal' });
  assert.deepEqual(client.errors().length, 1);
  assert.equal(logged.mock.callCount(), 1);
  mock.restoreAll();
});

test('a command that waits for its count expires 10 seconds after it arrived', async () => {
  const { userRates } = gateway;
  const { token } = await addUser();
  const client = await Client.connect(url, token);
  const { roomId } = await client.commit({ command: 'CreateRoom', text: 'a room' });
  const { promise, resolve } = Promise.withResolvers<void>();
  const counting = mock.method(userRates, 'countCommand', () => promise);
  const answers = [
    client.ask({ command: 'CreateMessage', roomId, text: 'Hello World!' }),
    call(url, `POST /api/messages/${roomId}`, { token, body: { text: 'Hello World!' } }),
  ];
  while (counting.mock.callCount() < 2) await tick();
  const now = performance.now.bind(performance);
  mock.method(performance, 'now', () => now() + 10_000);
  resolve();
  for (const answer of answers) refused(await answer, 'expired');
  mock.restoreAll();
  await client.close();
});
