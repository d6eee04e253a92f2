import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../shared/contract/ids.ts';
import { encodeMessage, type Message } from '../../shared/contract/messages.ts';
import type { Database } from '../../shared/database.ts';
import { roomCommand, roomCommands } from '../../test/support/sql-room-commands.ts';
import { openTestDatabase } from '../../test/support/system.ts';
import { BEFORE_ALL_ROOMS } from './attachment-reads.ts';
import { createReads } from './reads.ts';

const { database } = await openTestDatabase();
const { apply, createUser, createRoom } = roomCommands(database);
const reads = createReads(database);
const seqsOf = (records: string[]) => records.map((record) => (JSON.parse(record) as Message).seq);
const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** Writes messages until the room has this number. */
async function fillRoom(owner: string, roomId: string, head: number): Promise<void> {
  const [row] = await database<{ seq: number }[]>`select seq from rooms where id = ${roomId}`;
  const commands = range((row?.seq as number) + 1, head).map((seq) =>
    roomCommand('CreateMessage', owner, roomId, { text: `message ${seq}` }),
  );
  if (commands.length > 0) await apply(...commands);
}

test('a page of a replay ends where the pages of all rooms end, or at the head', async () => {
  const ann = await createUser();
  const roomId = await createRoom(ann);
  await fillRoom(ann, roomId, 250);
  const pageAfter = async (after: number) => seqsOf(await reads.replayPage({ roomId, after }));
  assert.deepEqual(await pageAfter(0), range(1, 100));
  assert.deepEqual(await pageAfter(99), [100]);
  assert.deepEqual(await pageAfter(100), range(101, 200));
  assert.deepEqual(await pageAfter(237), range(238, 250));
  for (const after of [250, 300, Number.MAX_SAFE_INTEGER]) assert.deepEqual(await pageAfter(after), []);
  assert.deepEqual(await reads.replayPage({ roomId: newId(), after: 0 }), []);
});

test('the records of a replay are the bytes of encodeMessage, in their current state', async () => {
  const ann = await createUser('A "fox" 🦊');
  const roomId = await createRoom(ann);
  const texts = ['plain', 'quotes " \\ /', 'lines\n\r\t\b\f', 'control \u0001 \u001f \u007f', '🦊 ä \u2028 \u2029 <>&'];
  const written = texts.map((text) => roomCommand('CreateMessage', ann, roomId, { text }));
  await apply(...written);
  const [edited = '', deleted = ''] = written.map(({ id }) => id);
  const member = await createUser('Bob');
  await apply(
    roomCommand('UpdateMessage', ann, roomId, {
      targetId: edited,
      text: 'edited\ntwice, @Bob Testing @A "fox" 🦊 Testing',
    }),
    roomCommand('DeleteMessage', ann, roomId, { targetId: deleted }),
    roomCommand('UpdateRoom', ann, roomId, { text: 'a "name"' }),
    roomCommand('AddUser', ann, roomId, { targetId: member }),
    roomCommand('CreateMessage', ann, 'general'),
    roomCommand('RemoveUser', ann, roomId, { targetId: member }),
    roomCommand('DeleteRoom', ann, roomId),
  );
  for (const [id, count] of [
    [roomId, 12],
    ['general', 1],
  ] as const) {
    const messages = await reads.messagesAfter(id, 0, 100);
    assert.equal(messages.length, count);
    assert.deepEqual(await reads.replayPage({ roomId: id, after: 0 }), messages.map(encodeMessage));
  }
});

test('the ended membership of a position has its first and last message', async () => {
  const [ann, bob] = [await createUser(), await createUser('Bob')];
  const roomId = await createRoom(ann, 'Public');
  const change = (command: 'AddUser' | 'RemoveUser') => roomCommand(command, ann, roomId, { targetId: bob });
  const write = () => roomCommand('CreateMessage', ann, roomId);
  // Bob is a member from 2 to 4, from 5 to 7, and from 9 to the end of the room, 10.
  await apply(change('AddUser'), write(), change('RemoveUser'), change('AddUser'), write(), change('RemoveUser'));
  await apply(write(), change('AddUser'));
  const endedAt = async (userId: string, seq: number) => {
    const [ended] = await reads.endedMemberships(userId, [{ roomId, seq }]);
    return ended && [ended.first, ended.end];
  };
  assert.deepEqual(await endedAt(bob, 9), undefined);
  await apply(roomCommand('DeleteRoom', ann, roomId));
  const all = await Promise.all(range(0, 11).map((seq) => endedAt(bob, seq)));
  const [first, second, third] = [
    [2, 4],
    [5, 7],
    [9, 10],
  ];
  assert.deepEqual(all, [
    undefined,
    first,
    first,
    first,
    second,
    second,
    second,
    undefined,
    third,
    third,
    undefined,
    undefined,
  ]);
  assert.deepEqual([await endedAt(ann, 3), await endedAt(await createUser(), 3)], [[1, 10], undefined]);
});

test('the ended memberships of many positions are read together, and unknown rooms are left out', async () => {
  const [ann, bob] = [await createUser(), await createUser('Bob')];
  const rooms = await Promise.all(range(1, 3).map(() => createRoom(ann)));
  await apply(...rooms.map((roomId) => roomCommand('AddUser', ann, roomId, { targetId: bob })));
  await apply(...rooms.slice(1).map((roomId) => roomCommand('RemoveUser', ann, roomId, { targetId: bob })));
  const unknown = range(1, 2_000).map(() => ({ roomId: newId(), seq: Number.MAX_SAFE_INTEGER }));
  const positions = [...unknown, ...['general', ...rooms].map((roomId) => ({ roomId, seq: 2 }))];
  const ended = await reads.endedMemberships(bob, positions);
  assert.deepEqual(
    ended.toSorted((a, b) => rooms.indexOf(a.roomId) - rooms.indexOf(b.roomId)),
    rooms.slice(1).map((roomId) => ({ roomId, first: 2, end: 3 })),
  );
  assert.deepEqual(await reads.endedMemberships(bob, []), []);
});

test('a page of an ended membership stops at its end and has no text that was edited later', async () => {
  const [ann, bob] = [await createUser(), await createUser('Bob')];
  const roomId = await createRoom(ann);
  const [early, late, unchanged] = ['early', 'late', 'unchanged'].map((text) =>
    roomCommand('CreateMessage', ann, roomId, { text }),
  ) as [ReturnType<typeof roomCommand>, ReturnType<typeof roomCommand>, ReturnType<typeof roomCommand>];
  const edit = ({ id }: { id: string }, text: string) =>
    roomCommand('UpdateMessage', ann, roomId, { targetId: id, text });
  await apply(roomCommand('AddUser', ann, roomId, { targetId: bob }), early, late, unchanged);
  await apply(edit(early, 'early, edited'), edit(late, 'late, edited'));
  await apply(roomCommand('RemoveUser', ann, roomId, { targetId: bob }));
  await apply(edit(late, 'a secret of the members'), roomCommand('CreateMessage', ann, roomId));
  const records = await reads.endedPage({ roomId, after: 2, end: 8 });
  assert.deepEqual(
    records.map((record) => [JSON.parse(record).seq, JSON.parse(record).text]),
    [
      [3, 'early, edited'],
      [4, ''],
      [5, 'unchanged'],
      [6, 'early, edited'],
      [7, ''],
      [8, 'Bob left the room'],
    ],
  );
  await fillRoom(ann, roomId, 150);
  assert.deepEqual(seqsOf(await reads.endedPage({ roomId, after: 8, end: 120 })), range(9, 100));
  assert.deepEqual(seqsOf(await reads.endedPage({ roomId, after: 100, end: 120 })), range(101, 120));
  assert.deepEqual(await reads.endedPage({ roomId, after: 120, end: 120 }), []);
});

test('memberships have the names and types of their rooms', async () => {
  const ann = await createUser();
  const roomId = await createRoom(ann, 'Public');
  await apply(roomCommand('UpdateRoom', ann, roomId, { text: 'a "new" name' }));
  const expected = [
    { roomId: 'general', seq: 0, name: 'General', roomType: 'Public' },
    { roomId: 'announcements', seq: 0, name: 'Announcements', roomType: 'ReadOnly' },
    { roomId, seq: 1, name: 'a "new" name', roomType: 'Public' },
  ];
  const bearer = { userId: ann, tokenId: newId(), version: 0 };
  const { rooms } = await reads.attachment({ bearer, roomsAfter: BEFORE_ALL_ROOMS });
  assert.deepEqual(
    rooms.map(({ roomId: id, seq, name, roomType }) => ({ roomId: id, seq, name, roomType })),
    expected,
  );
  const listed = await reads.membershipsIn(ann, ['general', roomId]);
  assert.deepEqual(
    listed
      .map(({ roomId: id, seq, name, roomType }) => ({ roomId: id, seq, name, roomType }))
      .toSorted((a, b) => a.seq - b.seq),
    [expected[0], expected[2]],
  );
});

test('a result without rows is refused as unavailable, so no missed message is lost', async (t) => {
  const withoutRows = (...call: Parameters<Database>) => {
    const statement = database(...call);
    t.mock.method(statement as unknown as Promise<[]>, 'then', (resolve: (rows: []) => void) => resolve([]));
    return statement;
  };
  const emptyReads = createReads(Object.assign(withoutRows, database) as unknown as Database);
  const roomId = newId();
  await assert.rejects(emptyReads.replayPage({ roomId, after: 0 }), { code: 'unavailable' });
  await assert.rejects(emptyReads.endedPage({ roomId, after: 0, end: 5 }), { code: 'unavailable' });
  await assert.rejects(emptyReads.endedMemberships(newId(), [{ roomId, seq: 0 }]), { code: 'unavailable' });
});
