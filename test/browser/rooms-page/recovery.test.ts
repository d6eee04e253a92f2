import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call } from '../../support/client.ts';
import { startRooms } from './rooms-system.ts';
import { NETWORK_FAULT, Visitor } from './visitor.ts';

const { browser, urls, cluster } = await startRooms();
const ann = await Visitor.open({ browser, url: urls[0], firstName: 'Ann', device: 'desktop' });
const bob = await Visitor.open({ browser, url: urls[1], firstName: 'Bob', device: 'phone' });
await Promise.all([ann.signUp(), bob.signUp()]);

test('gateways are killed, and both pages recover with every message once', async () => {
  await ann.createRoom('The room', 'Public');
  await bob.findAndJoin('The room');
  await bob.write('before');
  await ann.seeMessage('before');
  await bob.seeMessage('before');
  const [first, second] = cluster.gateways;
  assert.ok(first && second);
  const ports = urls.map((url) => Number(new URL(url).port));
  process.kill(second.pid, 'SIGKILL');
  await bob.page.getByText(/^Offline/).waitFor();
  await bob.write('of Bob, while offline');
  await bob.seeSending('of Bob, while offline');
  await ann.write('of Ann');
  await ann.seeMessage('of Ann');
  process.kill(first.pid, 'SIGKILL');
  await ann.page.getByText(/^Offline/).waitFor();
  await ann.write('of Ann, while offline');
  for (const port of ports) await cluster.startGateway(port);
  await Promise.all([ann.see('Connected'), bob.see('Connected')]);
  await bob.seeMessage('of Ann, while offline');
  await ann.seeMessage('of Bob, while offline');
  await ann.seeMessage('of Ann, while offline');
  await bob.seeMessage('of Bob, while offline');
  const [ofAnn, ofBob] = [await ann.texts(), await bob.texts()];
  assert.deepEqual(ofAnn, ofBob);
  const sorted = [
    'Room created',
    'Bob joined the room',
    'before',
    'of Ann',
    'of Ann, while offline',
    'of Bob, while offline',
  ];
  assert.deepEqual(ofAnn.toSorted(), sorted.toSorted());
  for (const visitor of [ann, bob]) assert.deepEqual(visitor.takeFaults(NETWORK_FAULT), []);
});

test('a page that is reloaded shows the same room and is logged in', async () => {
  const texts = await ann.texts();
  await ann.page.reload();
  await ann.seeHeading('The room');
  await ann.seeTexts(texts);
  await ann.page.goBack();
  await ann.seeNoFindings('the start');
  assert.deepEqual(ann.takeFaults(NETWORK_FAULT), []);
});

test('a session that was ended elsewhere shows the login and why', async () => {
  const token = await ann.token();
  await call(urls[0], 'POST /api/users/logout-all', { token });
  await ann.see('You are logged out. Log in again.');
  assert.equal(await ann.page.evaluate("localStorage.getItem('rooms.session')"), null);
  ann.takeFaults();
  await ann.logIn();
});

test('a guest is in the rooms after one click', async () => {
  const guest = await Visitor.open({ browser, url: urls[0], firstName: 'Guest', device: 'desktop' });
  await guest.click('Continue as a guest');
  await guest.see('Connected');
  await guest.openRoom('General');
  await guest.write('hello');
  await guest.seeMessage('hello');
  assert.deepEqual(guest.takeFaults(), []);
});
