import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../../test/support/client.ts';
import { openTestGateway } from '../../test/support/in-process.ts';

const { gateway, url, addUser } = await openTestGateway();

test('a gateway closes all its sockets with the code that it chooses, and then takes new sockets', async () => {
  const { token } = await addUser();
  // More sockets than one slice closes.
  const clients = await Promise.all(Array.from({ length: 150 }, () => Client.connect(url, token)));
  await gateway.closeSockets('reload');
  const closes = await Promise.all(clients.map((client) => client.waitForClose()));
  assert.deepEqual([...new Set(closes.map(({ code, reason }) => `${code} ${reason}`))], ['4001 reload']);
  const client = await Client.connect(url, token);
  await client.commit({ command: 'CreateRoom', text: 'a room' });
  await gateway.closeSockets('unavailable');
  assert.deepEqual(await client.waitForClose(), { code: 4100, reason: 'unavailable' });
});
