import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call } from '../../support/client.ts';
import { startRooms } from './rooms-system.ts';
import { NETWORK_FAULT, Visitor } from './visitor.ts';

const { browser, urls, cluster } = await startRooms();

test('a refused message shows why; its author sends it again, or discards it', async () => {
  const ann = await Visitor.open({ browser, url: urls[0], firstName: 'Ann', device: 'desktop' });
  const bob = await Visitor.open({ browser, url: urls[1], firstName: 'Bob', device: 'phone' });
  await Promise.all([ann.signUp(), bob.signUp()]);
  await ann.createRoom('The room', 'Public');
  await bob.findAndJoin('The room');
  const roomId = new URL(bob.page.url()).hash.split('/').at(-1);
  const token = await bob.token();
  const { id } = (await call(urls[0], 'GET /api/users/current', { token })).body as { id: string };

  process.kill(cluster.gateways[1]?.pid ?? assert.fail('no gateway'), 'SIGKILL');
  await bob.page.getByText(/^Offline/).waitFor();
  for (const text of ['Hello', 'Never mind']) await bob.write(text);
  await bob.seeSending('Never mind');
  await call(urls[0], `DELETE /api/rooms/${roomId}/users/${id}`, { token: await ann.token() });
  await cluster.startGateway(Number(new URL(urls[1]).port));

  const failed = (text: string) => bob.page.getByRole('article', { name: new RegExp(`${text},.*not sent`) });
  await failed('Hello').waitFor();
  await failed('Never mind')
    .getByText(/^Not sent\. /)
    .waitFor();
  await bob.seeNoFindings('refused messages');
  await failed('Never mind').getByRole('button', { name: 'Discard' }).click();
  await failed('Never mind').waitFor({ state: 'detached' });
  await call(urls[0], `POST /api/rooms/${roomId}/users/${id}`, { token });
  await failed('Hello').getByRole('button', { name: 'Try again' }).click();
  await Promise.all([ann.seeMessage('Hello'), bob.seeMessage('Hello')]);
  assert.equal(await ann.message('Never mind').count(), 0);
  for (const visitor of [ann, bob]) assert.deepEqual(visitor.takeFaults(NETWORK_FAULT), []);
});
