import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyChange, applyEnd, applyRead, foreignRoom, memberRoom, nextStep, unreadRoom } from './pending-room.ts';
import { startOf } from './room-plan.ts';

const point = (position: number | undefined, isSameEpoch = true, most = 100) => ({ position, isSameEpoch, most });

test('the start of a stream follows from the position, the membership, the epoch and the maximum', () => {
  const cases: [Parameters<typeof startOf>, sent: number, needsResync: boolean][] = [
    // The client has positions of this epoch.
    [[point(5), { seq: 3, head: 9 }], 5, false],
    [[point(9), { seq: 3, head: 9 }], 9, false],
    [[point(2), { seq: 3, head: 9 }], 2, false],
    [[point(0), { seq: 0, head: 9 }], 0, false],
    [[point(1), { seq: 5, head: 9 }], 1, false],
    // It does not know this room.
    [[point(undefined), { seq: 5, head: 9 }], 4, false],
    [[point(undefined), { seq: 0, head: 9 }], 9, false],
    // A seq from the future.
    [[point(10), { seq: 3, head: 9 }], 9, true],
    [[point(Number.MAX_SAFE_INTEGER), { seq: 3, head: 9 }], 9, true],
    // Another epoch, or no positions.
    [[point(5, false), { seq: 3, head: 9 }], 9, true],
    [[point(9, false), { seq: 3, head: 9 }], 9, true],
    [[point(undefined, false), { seq: 3, head: 9 }], 9, false],
    // Too many messages.
    [[point(5, true, 4), { seq: 3, head: 9 }], 5, false],
    [[point(5, true, 3), { seq: 3, head: 9 }], 9, true],
    [[point(9, true, 0), { seq: 3, head: 9 }], 9, false],
    [[point(8, true, 0), { seq: 3, head: 9 }], 9, true],
    [[point(undefined, true, 4), { seq: 5, head: 9 }], 9, true],
    [[point(undefined, true, 5), { seq: 5, head: 9 }], 4, false],
  ];
  for (const [input, sent, needsResync] of cases)
    assert.deepEqual(startOf(...input), { sent, needsResync }, JSON.stringify(input));
});

test('a member gets the missing messages, and then joins the topic in the tick in which none is missing', () => {
  const room = memberRoom(point(5), { seq: 3, head: 9 });
  const step = (deliveredSeq: number | undefined, isJoined = true) => nextStep(room, { deliveredSeq, isJoined });
  assert.equal(step(4), 'wait');
  assert.equal(step(5), 'wait', 'the feed has not delivered the head that the client knows');
  assert.equal(step(6), 'send');
  room.sent = 9;
  assert.equal(step(9), 'join');
  assert.equal(step(10), 'send');
  assert.equal(step(2, false), 'wait', 'the feed has not delivered the membership');
  assert.equal(step(9, false), 'read', 'the user is not in the room any more, or not yet');
  assert.equal(step(undefined), 'read');
});

test('a former member gets the messages up to the end of the membership, and then Left', () => {
  const room = foreignRoom(point(5));
  const step = () => nextStep(room, { deliveredSeq: undefined, isJoined: false });
  assert.equal(step(), 'find end');
  applyEnd(room, 7, 100);
  assert.equal(step(), 'send ended');
  room.sent = 7;
  assert.equal(step(), 'leave');
});

test('a stranger, a client of another epoch and a former member with too many missing messages get only Left', () => {
  const [stranger, other, late] = [foreignRoom(point(5)), foreignRoom(point(5, false)), foreignRoom(point(5))];
  applyEnd(stranger, 0, 100);
  applyEnd(late, 8, 2);
  for (const room of [stranger, other, late])
    assert.equal(nextStep(room, { deliveredSeq: 9, isJoined: false }), 'leave');
});

test('a member who was removed and added again gets the end of the old membership, and then jumps', () => {
  const room = memberRoom(point(5), { seq: 20, head: 30 });
  const step = () => nextStep(room, { deliveredSeq: 30, isJoined: true });
  assert.equal(step(), 'find end');
  applyEnd(room, 8, 100);
  assert.equal(step(), 'send ended');
  room.sent = 8;
  assert.equal(step(), 'jump');
  const late = memberRoom(point(5), { seq: 20, head: 30 });
  applyEnd(late, 8, 13);
  assert.deepEqual([late.sent, late.needsResync], [30, true], 'the messages of both memberships count');
});

test('a position of a membership that never existed leads to the membership of now', () => {
  const room = memberRoom(point(5), { seq: 20, head: 30 });
  applyEnd(room, 0, 100);
  assert.equal(nextStep(room, { deliveredSeq: 30, isJoined: true }), 'jump');
});

test('a removal ends the stream, and an addition after it begins another membership', () => {
  const room = memberRoom(point(5), { seq: 3, head: 9 });
  applyChange(room, { seq: 12, isMember: false });
  assert.equal(nextStep(room, { deliveredSeq: 12, isJoined: false }), 'find end');
  applyEnd(room, 12, 100);
  applyChange(room, { seq: 15, isMember: true });
  applyChange(room, { seq: 17, isMember: false });
  applyChange(room, { seq: 19, isMember: true });
  assert.deepEqual([room.since, room.end, room.sent], [19, 12, 5]);
});

test('a stranger who becomes a member, and whose position is later, has made it up: Postgres says so', () => {
  const room = foreignRoom(point(Number.MAX_SAFE_INTEGER));
  applyChange(room, { seq: 12, isMember: true });
  assert.equal(nextStep(room, { deliveredSeq: 12, isJoined: true }), 'read');
  applyRead(room, { seq: 12, head: 13 }, 12);
  assert.deepEqual([room.sent, room.needsResync], [13, true]);
});

test('an old addition, which a late feed delivers to a former member, changes nothing', () => {
  const room = foreignRoom(point(7));
  applyChange(room, { seq: 5, isMember: true });
  applyRead(room, undefined, 5);
  applyChange(room, { seq: 9, isMember: false });
  assert.equal(nextStep(room, { deliveredSeq: 9, isJoined: false }), 'find end');
  assert.equal(room.sent, 7);
});

test('a position of another epoch counts for nothing when the user becomes a member', () => {
  const room = foreignRoom(point(50, false));
  applyChange(room, { seq: 12, isMember: true });
  assert.equal(nextStep(room, { deliveredSeq: 12, isJoined: true }), 'jump');
});

test('a change that the read has seen already changes nothing', () => {
  const room = memberRoom(point(5), { seq: 3, head: 9 });
  applyChange(room, { seq: 2, isMember: false });
  applyChange(room, { seq: 9, isMember: false });
  assert.equal(room.since, 3);
});

test('a removal before the Resync of a room ends the room without messages', () => {
  const room = memberRoom(point(5, false), { seq: 3, head: 9 });
  applyChange(room, { seq: 12, isMember: false });
  assert.equal(nextStep(room, { deliveredSeq: 12, isJoined: false }), 'leave');
});

test('a position above the head is read again, and is from the future if Postgres does not have it either', () => {
  const [late, future] = [10, 11].map((position) => memberRoom(point(position), { seq: 3, head: 9 }));
  assert.ok(late && future);
  for (const room of [late, future]) {
    assert.equal(nextStep(room, { deliveredSeq: 9, isJoined: true }), 'read');
    applyRead(room, { seq: 3, head: 10 }, 9);
  }
  assert.deepEqual([late.sent, late.needsResync], [10, false]);
  assert.deepEqual([future.sent, future.needsResync], [10, true]);
});

test('a change that the feed delivers during a read is newer than the read', () => {
  const [left, back, stranger] = [unreadRoom(point(5)), unreadRoom(point(5)), unreadRoom(point(5))];
  applyChange(left, { seq: 12, isMember: false });
  applyRead(left, { seq: 3, head: 9 }, 0);
  assert.equal(nextStep(left, { deliveredSeq: 12, isJoined: false }), 'find end');
  applyChange(back, { seq: 14, isMember: true });
  applyRead(back, { seq: 3, head: 9 }, 0);
  assert.equal(back.since, 14);
  applyRead(stranger, undefined, 0);
  assert.equal(nextStep(stranger, { deliveredSeq: undefined, isJoined: false }), 'find end');
});
