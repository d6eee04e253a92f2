import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { limits } from '../../shared/contract/limits.ts';
import { Client } from '../../test/support/client.ts';
import { openTestGateway } from '../../test/support/in-process.ts';
import { until } from '../../test/support/until.ts';

const { gateway, url, addUser } = await openTestGateway();
const CREATE_ROOM = { command: 'CreateRoom', text: 'a room' } as const;

/** Lets sockets wait for their rooms until `release` is called. */
function holdAttach() {
  const { promise, resolve: release } = Promise.withResolvers<void>();
  const original = gateway.reads.attachment;
  const { mock: reads } = mock.method(gateway.reads, 'attachment', async (key: Parameters<typeof original>[0]) => {
    await promise;
    return original(key);
  });
  return { release, reads };
}

/** Lowers limits for one test. */
function lower(lowered: Partial<Record<keyof typeof limits, number>>): () => void {
  const before = { ...limits };
  Object.assign(limits, lowered);
  return () => Object.assign(limits, before);
}

async function connectWaiting(token: string): Promise<Client> {
  const client = await Client.connect(url, token, 'classic');
  await client.roundTripOfPings();
  return client;
}

test('the commands that wait until their sockets are attached are bounded for each socket and for all', async () => {
  const restore = lower({ MAX_UNATTACHED_OF_SOCKET: 2, MAX_UNATTACHED_COMMANDS: 3 });
  const { release } = holdAttach();
  const clients = [];
  for (let index = 0; index < 2; index++) {
    const client = await connectWaiting((await addUser()).token);
    for (let count = 0; count < 3; count++) client.send({ ...CREATE_ROOM, text: `room ${count}` });
    await client.roundTripOfPings();
    clients.push(client);
  }
  const [first, second] = clients as [Client, Client];
  await until(() => second.errors().length === 2);
  assert.deepEqual(
    [...first.errors(), ...second.errors()].map(({ code }) => code),
    ['busy', 'busy', 'busy'],
  );
  release();
  for (const name of ['room 0', 'room 1']) await first.waitForMessage({ command: 'CreateRoom', name });
  await second.waitForMessage({ command: 'CreateRoom', name: 'room 0' });
  restore();
  mock.restoreAll();
});

test('the frames of waiting commands are bounded in bytes, and a closed socket gives its bytes back', async () => {
  const restore = lower({ MAX_UNATTACHED_MEGABYTES: 150 / 1024 ** 2 });
  const { release } = holdAttach();
  const { token } = await addUser();
  const frame = { ...CREATE_ROOM, text: 'a long name of a room', padding: 'x'.repeat(30) };
  const leaving = await connectWaiting(token);
  for (let count = 0; count < 2; count++) leaving.send(frame);
  await until(() => leaving.errors().length === 1);
  await leaving.close();
  const staying = await connectWaiting(token);
  staying.send(frame);
  await staying.roundTripOfPings();
  release();
  await staying.waitForMessage({ command: 'CreateRoom' });
  assert.deepEqual(staying.errors(), []);
  restore();
  mock.restoreAll();
});

test('a gateway attaches a bounded number of sockets at the same time, and closes one more with 4100', async () => {
  const restore = lower({ MAX_ATTACHING_SOCKETS: 1 });
  const { release } = holdAttach();
  const { token } = await addUser();
  const client = await connectWaiting(token);
  const refused = await Client.connect(url, token, 'classic');
  assert.deepEqual(await refused.waitForClose(), { code: 4100, reason: 'busy' });
  release();
  await client.roundTrip();
  await (await Client.connect(url, token)).close();
  restore();
  mock.restoreAll();
});

test('a socket that is not attached after nine seconds is closed with 4100', async () => {
  const { release, reads } = holdAttach();
  const { token } = await addUser();
  mock.timers.enable({ apis: ['setTimeout'] });
  const client = await Client.connect(url, token, 'classic');
  while (reads.callCount() === 0) await client.roundTripOfPings();
  mock.timers.tick(9_000);
  mock.timers.reset();
  assert.deepEqual(await client.waitForClose(), { code: 4100, reason: 'unavailable' });
  release();
  mock.restoreAll();
});
