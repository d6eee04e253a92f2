import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Presence } from '../shared/contract/people.ts';
import { type Account, Client, call, createAccount } from './support/client.ts';
import { startSystem } from './support/system.ts';
import { until } from './support/until.ts';

// gateway/live/people/people.test.ts has more of this, with shorter times.

const { cluster } = await startSystem({ gateways: 2, workers: 1 });
const [gatewayA, gatewayB] = cluster.urls as [string, string];
const [ann, bob] = [await createAccount(gatewayA, 'Ann'), await createAccount(gatewayA, 'Bob')];
const writer = await connect(gatewayA, ann);
const { roomId } = await writer.commit({ command: 'CreateRoom', text: 'a room' });
await writer.commit({ command: 'AddUser', roomId, targetId: bob.id });
await writer.waitForMessage({ command: 'AddUser', roomId });

async function connect(url: string, { token }: Account): Promise<Client> {
  const client = await Client.connect(url, token);
  after(() => client.close());
  return client;
}

const framesOf = (client: Client, command: string) => client.frames.filter((frame) => frame.command === command);
const waitForPresence = (client: Client, fits: (frame: Presence) => boolean) =>
  client.until(() => client.frames.find((frame) => frame.command === 'Presence' && fits(frame)));

test('a member on one gateway sees who comes, types and goes on the other gateway', async () => {
  writer.send({ command: 'Watch', rooms: [roomId] });
  await waitForPresence(writer, ({ online, users }) => online === 1 && users?.[0] === ann.id);
  const phone = await connect(gatewayB, bob);
  const laptop = await Client.resume(gatewayB, bob.token, { rooms: {} });
  await waitForPresence(writer, ({ online, came }) => online === 2 && came?.[0] === bob.id);
  // A busy gateway drops the frame, and this machine can be busy.
  await until(() => {
    for (const client of [phone, laptop]) client.send({ command: 'Typing', roomId });
    return framesOf(writer, 'Typing').length > 0;
  });
  assert.deepEqual(framesOf(writer, 'Typing')[0], { command: 'Typing', roomId, users: [bob.id] });
  await phone.close();
  await laptop.close();
  await waitForPresence(writer, ({ online, went }) => online === 1 && went?.[0] === bob.id);
});

test('a removed member gets no frame about the people of the room any more', async () => {
  const client = await connect(gatewayB, bob);
  client.send({ command: 'Watch', rooms: [roomId] });
  await waitForPresence(client, () => true);
  await call(gatewayA, `DELETE /api/rooms/${roomId}/users/${bob.id}`, { token: ann.token });
  await client.waitForMessage({ command: 'RemoveUser', roomId });
  const before = framesOf(client, 'Presence').length;
  client.send({ command: 'Watch', rooms: [roomId] });
  await waitForPresence(writer, ({ went }) => went?.[0] === bob.id);
  await client.roundTrip();
  assert.equal(framesOf(client, 'Presence').length, before);
});

test('frames about people are refused without rooms.v1, and with too many rooms', async () => {
  const classic = await Client.connect(gatewayA, ann.token, 'classic');
  classic.send({ command: 'Watch', rooms: [roomId] });
  assert.equal((await classic.until(() => classic.errors()[0])).code, 'unknown_command');
  await classic.close();
  writer.send({ command: 'Watch', rooms: Array.from({ length: 21 }, () => roomId) });
  const { code, bound } = await writer.until(() => writer.errors().at(-1));
  assert.deepEqual({ code, bound }, { code: 'too_long', bound: 20 });
});

test('10,000 Watch frames of one user cost few states, and another user gets each Ack meanwhile', async () => {
  const client = await connect(gatewayA, bob);
  for (let count = 0; count < 10_000; count++) client.send({ command: 'Watch', rooms: count % 2 ? [] : ['general'] });
  client.send({ command: 'Watch', rooms: ['announcements'] });
  for (let count = 0; count < 5; count++) await writer.commit({ command: 'CreateMessage', roomId, text: 'Hello' });
  await waitForPresence(client, (frame) => frame.roomId === 'announcements');
  assert.ok(framesOf(client, 'Presence').length < 10, `${framesOf(client, 'Presence').length} states`);
});
