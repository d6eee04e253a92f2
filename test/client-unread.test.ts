import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RoomsClient } from '../shared/client/rooms-client.ts';
import { UnreadCounts } from '../shared/client/unread-counts.ts';
import { openAnother, openRoom, optionsOf, proxy } from './support/library-clients.ts';
import { until } from './support/until.ts';

/** A device of a user, which counts from its first connection on. */
async function openDevice(userId: string) {
  const client = new RoomsClient(optionsOf(userId));
  const unread = new UnreadCounts(client);
  await client.connect();
  return { client, unread };
}

test('two devices show the same counts: messages, mentions, marks, and what came while the connection was lost', async () => {
  const { ann, bobId, roomId } = await openRoom();
  const [phone, laptop] = [await openDevice(bobId), await openDevice(bobId)];
  const shows = (counts: object) =>
    until(
      () => [phone, laptop].every(({ unread }) => JSON.stringify(unread.of(roomId)) === JSON.stringify(counts)),
      undefined,
      () => JSON.stringify([phone, laptop].map(({ unread }) => unread.of(roomId))),
    );
  await shows({ read: 2, unread: 0, mentions: 0 });
  for (const text of ['one', 'Hello @Bob', 'three']) await ann.client.write(roomId, text);
  await shows({ read: 2, unread: 3, mentions: 1 });
  phone.unread.markRead(roomId, 4);
  assert.equal(phone.unread.of(roomId)?.read, 4);
  await shows({ read: 4, unread: 1, mentions: 0 });

  const { url } = await openAnother();
  proxy.target = url;
  proxy.cut('rst');
  const { id } = await ann.client.write(roomId, '@Bob, four');
  await shows({ read: 4, unread: 2, mentions: 1 });
  // The counts of a Welcome do not say which message mentions the user. So the client asks again.
  await ann.client.send({ command: 'UpdateMessage', roomId, targetId: id, text: 'four' });
  await shows({ read: 4, unread: 2, mentions: 0 });
  await ann.client.send({ command: 'RemoveUser', roomId, targetId: bobId });
  await until(() => phone.unread.of(roomId) === undefined && laptop.unread.of(roomId) === undefined);
  await ann.client.send({ command: 'AddUser', roomId, targetId: bobId });
  await ann.client.write(roomId, 'five');
  await shows({ read: 9, unread: 1, mentions: 0 });
  await Promise.all([phone.client.close(), laptop.client.close()]);
});

test('a mark that the client made before it closes is sent', async () => {
  const { ann, bobId, roomId } = await openRoom();
  await ann.client.write(roomId, 'one');
  const first = await openDevice(bobId);
  first.unread.markRead(roomId, 3);
  first.unread.close();
  await until(async () => {
    const next = await openDevice(bobId);
    const isRead = next.unread.of(roomId)?.unread === 0;
    await next.client.close();
    return isRead;
  });
  await first.client.close();
});
