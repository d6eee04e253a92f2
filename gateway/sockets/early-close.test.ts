import { test } from 'node:test';
import { setImmediate as tick } from 'node:timers/promises';
import { Client } from '../../test/support/client.ts';
import { openTestGateway } from '../../test/support/in-process.ts';
import { until } from '../../test/support/until.ts';

const { gateway, url, addUser } = await openTestGateway({ SOCKETS_PER_USER: '2' });

/** Opens two sockets of a user, closes them before `release` is called, and checks that nothing of them is left. */
async function closeEarly(token: string, userId: string, release: () => void): Promise<void> {
  const clients = [await Client.connect(url, token, 'classic'), await Client.connect(url, token, 'classic')];
  await Promise.all(clients.map((client) => client.close()));
  release();
  const later = [await Client.connect(url, token), await Client.connect(url, token)];
  await Promise.all(later.map((client) => client.close()));
  while (Object.values(gateway.liveRooms.counts).some((count) => count > 0)) await tick();
  // Presence is written a moment later.
  await until(async () => (await gateway.liveRooms.whoIsOnline([userId])).size === 0);
}

test('a socket that closes before it has authenticated leaves nothing behind', async () => {
  const { id, token } = await addUser();
  const { promise, resolve } = Promise.withResolvers<void>();
  const { rateLimits } = gateway;
  const original = rateLimits.countRequest.bind(rateLimits);
  rateLimits.countRequest = async (address) => {
    await promise;
    return original(address);
  };
  await closeEarly(token, id, resolve);
  rateLimits.countRequest = original;
});

test('a socket that closes while its rooms and its token are read leaves nothing behind', async () => {
  const { id, token } = await addUser();
  const { promise, resolve } = Promise.withResolvers<void>();
  const original = gateway.reads.attachment;
  gateway.reads.attachment = async (key) => {
    await promise;
    return original(key);
  };
  await closeEarly(token, id, resolve);
  gateway.reads.attachment = original;
});
