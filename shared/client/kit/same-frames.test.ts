import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openTestGateway } from '../../../test/support/in-process.ts';
import type { Observer } from './observer.ts';
import { talk } from './same-frames/talk.ts';
import { KitServer } from './server.ts';
import { World } from './world.ts';

/** The kit tests a client. Here it only answers. */
const observer: Observer = {
  note: () => undefined,
  sent: () => undefined,
  resumed: () => undefined,
  received: () => undefined,
  read: () => undefined,
  ended: () => undefined,
  broken: (rule) => assert.fail(rule),
};

test('the server of the kit sends the same frames and answers as a gateway', async (t) => {
  const real = await openTestGateway();
  const world = new World();
  const server = new KitServer(world, observer, () => undefined);
  const url = await server.listen();
  t.after(() => server.close());
  const [peer, client] = ['Peer', 'Client'].map((name) => world.addUser(name));
  assert.ok(peer && client);
  const accountOf = ({ id, email, password }: typeof peer) => ({ id, token: server.logIn(email, password) });
  const ofKit = await talk(url, accountOf(peer), accountOf(client));
  const ofGateway = await talk(real.url, await real.addUser('Peer'), await real.addUser('Client'));
  assert.deepEqual(ofKit, ofGateway);
});
