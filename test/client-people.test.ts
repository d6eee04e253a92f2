import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RoomPeople } from '../shared/client/room-people.ts';
import type { RoomsClient } from '../shared/client/rooms-client.ts';
import { addUser, openClient, openRoom, proxy, url } from './support/library-clients.ts';
import { until } from './support/until.ts';

/** The people of a connected client, which watches the room. */
function watch(client: RoomsClient, roomId: string): RoomPeople {
  const people = new RoomPeople(client);
  people.watch([roomId]);
  return people;
}

async function shows(people: RoomPeople, roomId: string, ...users: string[]): Promise<void> {
  const shown = () => [...(people.getSnapshot().get(roomId)?.users ?? [])].toSorted().join();
  await until(() => shown() === users.toSorted().join(), undefined, shown);
}

test('the people of a room come, type, and stop to type with a message', async () => {
  const { ann, annId, bobId, roomId } = await openRoom();
  const ofAnn = watch(ann.client, roomId);
  await shows(ofAnn, roomId, annId);
  const bob = await openClient(bobId);
  await shows(ofAnn, roomId, annId, bobId);
  const ofBob = watch(bob.client, roomId);
  await shows(ofBob, roomId, annId, bobId);
  const sent: string[] = [];
  const counting = new RoomPeople({
    ...{ userId: bobId, on: bob.client.on.bind(bob.client) },
    sendFrame: (frame) => sent.push(frame.command) > 0 && bob.client.sendFrame(frame),
  });
  for (let key = 0; key < 10; key++) counting.typing(roomId);
  assert.deepEqual(sent, ['Typing']);
  const typing = (people: RoomPeople) => [...(people.getSnapshot().get(roomId)?.typing ?? [])];
  // A busy gateway drops the frame, and this machine can be busy.
  await until(() => {
    bob.client.sendFrame({ command: 'Typing', roomId });
    return typing(ofAnn).length > 0;
  });
  assert.deepEqual(typing(ofAnn), [bobId]);
  await bob.client.write(roomId, 'Hello');
  await until(() => typing(ofAnn).length === 0);
  assert.deepEqual(typing(ofBob), []);
  assert.equal(ofAnn.getSnapshot().get(roomId)?.online, 2);
});

test('a gateway serves the module as a file', async () => {
  const answer = await fetch(`${url}/client/people.js`);
  assert.equal(answer.headers.get('content-type'), 'text/javascript; charset=utf-8');
  assert.match(await answer.text(), /RoomPeople/);
});

test('a client watches again after a lost connection, and after it was removed and added', async () => {
  const { ann, annId, bobId, roomId } = await openRoom();
  const bob = await openClient(bobId);
  const ofBob = watch(bob.client, roomId);
  await shows(ofBob, roomId, annId, bobId);
  proxy.cut('rst');
  await until(() => bob.seen.states.filter((state) => state.startsWith('live')).length === 2);
  const { id: cidId } = await addUser('Cid');
  await openClient(cidId);
  await ann.client.send({ command: 'AddUser', roomId, targetId: cidId });
  await shows(ofBob, roomId, annId, bobId, cidId);
  await ann.client.send({ command: 'RemoveUser', roomId, targetId: bobId });
  await until(() => !ofBob.getSnapshot().has(roomId));
  await ann.client.send({ command: 'AddUser', roomId, targetId: bobId });
  await shows(ofBob, roomId, annId, bobId, cidId);
});
