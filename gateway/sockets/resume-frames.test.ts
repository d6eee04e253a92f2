import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { newId } from '../../shared/contract/ids.ts';
import { limits } from '../../shared/contract/limits.ts';
import { refused } from '../../test/support/answer-checks.ts';
import { Client } from '../../test/support/client.ts';
import { openTestGateway } from '../../test/support/in-process.ts';

const { gateway, url, addUser } = await openTestGateway({ SOCKET_RATE: '20' });
const { epoch } = gateway;

/** Positions in rooms that do not exist. A frame has at most 300. */
const unknownRooms = (count: number, seq = 1) =>
  Object.fromEntries(Array.from({ length: count }, () => [newId(), seq]));

const countOf = (client: Client, command: string) => client.frames.filter((frame) => frame.command === command).length;

test('positions in 9,000 rooms that do not exist cost one statement, and each of them gets Left', async () => {
  const { token } = await addUser();
  const reads = mock.method(gateway.reads, 'endedMemberships');
  const frames = Array.from({ length: 30 }, (_, index) => ({ rooms: unknownRooms(300), epoch, more: index < 29 }));
  const client = await Client.resume(url, token, ...frames);
  assert.equal(countOf(client, 'Left'), 9_000);
  assert.equal(reads.mock.callCount(), 1);
  assert.deepEqual(client.errors(), []);
  mock.restoreAll();
  await client.close();
});

test('an invalid Resume is refused, and a valid one after it attaches the socket', async () => {
  const { token } = await addUser();
  const client = await Client.openResuming(url, token);
  for (const seq of [-1, 1.5, 2 ** 53, '1', null]) client.send({ command: 'Resume', rooms: { [newId()]: seq } });
  client.send({ command: 'Resume', rooms: { 'not an id': 1 } });
  client.send({ command: 'Resume', rooms: {}, most: -1 });
  client.send({ command: 'Resume' });
  client.send({ command: 'Resume', epoch, rooms: { [newId()]: Number.MAX_SAFE_INTEGER } });
  await client.until(() => client.frames.find(({ command }) => command === 'Resumed'));
  const codes = client.errors().map(({ code }) => code);
  assert.deepEqual(codes, [...Array(7).fill('invalid_field'), 'missing_field']);
  await client.close();
});

test('more positions than a client may have are refused, and the others count', async () => {
  const { token } = await addUser();
  const { MAX_RESUMED_ROOMS } = limits;
  Object.assign(limits, { MAX_RESUMED_ROOMS: 5 });
  const client = await Client.resume(
    url,
    token,
    { rooms: unknownRooms(4), more: true },
    { rooms: unknownRooms(2) },
    { rooms: {} },
  );
  Object.assign(limits, { MAX_RESUMED_ROOMS });
  assert.equal(countOf(client, 'Left'), 4);
  const [error] = client.errors();
  assert.ok(error);
  assert.deepEqual([refused(error, 'too_long').field, error.bound], ['rooms', 5]);
  await client.close();
});

test('Resume frames without an end are refused beyond a bound, and the socket is closed after nine seconds', async () => {
  const { token } = await addUser();
  mock.timers.enable({ apis: ['setTimeout'] });
  const client = await Client.openResuming(url, token);
  for (let count = 0; count < limits.MAX_UNATTACHED_OF_SOCKET + 10; count++)
    client.send({ command: 'Resume', rooms: unknownRooms(1), more: true });
  await client.until(() => client.errors()[9]);
  assert.deepEqual(new Set(client.errors().map(({ code }) => code)), new Set(['busy']));
  mock.timers.tick(9_000);
  mock.timers.reset();
  assert.deepEqual(await client.waitForClose(), { code: 4400, reason: 'resume_missing' });
  assert.equal(countOf(client, 'Welcome'), 0);
});

test('a socket without a Resume takes no place of the sockets that attach', async () => {
  const { token } = await addUser();
  const { MAX_ATTACHING_SOCKETS } = limits;
  const client = await Client.openResuming(url, token);
  await client.roundTripOfPings();
  Object.assign(limits, { MAX_ATTACHING_SOCKETS: 1 });
  const other = await Client.connect(url, token);
  await other.roundTrip();
  Object.assign(limits, { MAX_ATTACHING_SOCKETS });
  await Promise.all([client.close(), other.close()]);
});

test('a socket that does not resume refuses Resume', async () => {
  const { token } = await addUser();
  for (const kind of ['v1', 'classic'] as const) {
    const client = await Client.connect(url, token, kind);
    client.send({ command: 'Resume', epoch, rooms: {} });
    refused(await client.until(() => client.errors()[0]), 'not_resuming');
    await client.roundTrip();
    await client.close();
  }
});

test('very many Resume frames on an open socket are refused as rate_limited, or close the socket', async () => {
  const { token } = await addUser();
  const client = await Client.resume(url, token, { rooms: {} });
  for (let count = 0; count < 10_000 && !client.closed; count++)
    client.send({ command: 'Resume', epoch, rooms: { general: 0 } });
  assert.equal((await client.waitForClose()).code, 4129);
  assert.ok(client.errors().every(({ code }) => code === 'rate_limited'));
  assert.ok(client.errors().length > 100);
});
