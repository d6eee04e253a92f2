import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { logOf } from '../../test/support/room-log.ts';
import { MAX_FRAME_BYTES, type Message, type Resume, type Welcome } from './protocol.ts';
import { Receiver } from './receiver.ts';

const ROOM = 'the room';
const EPOCH = 'the epoch';
const log = logOf(Array.from({ length: 30 }, () => ({ kind: 0, pick: 0 })));

/** A receiver with everything that it asks for and gives out. */
function openReceiver() {
  const seen = {
    ...{ messages: [] as Message[], resumes: [] as Resume[], resyncs: [] as [string, number][], lefts: [] as string[] },
    ...{ states: [] as string[], isFull: false },
  };
  const receiver = new Receiver({
    most: undefined,
    send: (frame) => seen.resumes.push(frame as Resume),
    isFull: () => seen.isFull,
    onMessage: (message) => seen.messages.push(message),
    onResync: (roomId, seq) => seen.resyncs.push([roomId, seq]),
    onLeft: (roomId) => seen.lefts.push(roomId),
    onRecovered: (isLive, reason) => seen.states.push(`${isLive ? 'live' : 'recovering'}: ${reason}`),
  });
  return { receiver, seen };
}

const welcomeAt = (seq: number, epoch = EPOCH, since = 0): Welcome => ({
  ...{ command: 'Welcome', user: { id: 'bob' }, epoch, rooms: [{ id: ROOM, seq, since }] },
});
const seqsOf = (messages: Message[]) => messages.map(({ seq }) => seq);
const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

test('each message is delivered once and in order, if a link repeats, drops and delays frames', () => {
  const faults = fc.array(fc.constantFrom('pass', 'drop', 'repeat', 'old'), { minLength: 30, maxLength: 30 });
  fc.assert(
    fc.property(faults, (chosen) => {
      const { receiver, seen } = openReceiver();
      receiver.welcome(welcomeAt(1));
      chosen.forEach((fault, index) => {
        const message = log[index + 1] as Message;
        const frames = { pass: [message], drop: [], repeat: [message, message], old: [log[index] as Message, message] };
        for (const frame of frames[fault]) receiver.receive(frame, true);
        answer(receiver, seen.resumes, index + 2);
      });
      receiver.receive({ command: 'Heads', rooms: { [ROOM]: 31 } }, true);
      answer(receiver, seen.resumes, 31);
      assert.deepEqual(seqsOf(seen.messages), from(2, 31));
    }),
  );
});

/** Answers each `Resume` as a gateway does. */
function answer(receiver: Receiver, resumes: Resume[], head: number): void {
  for (const { rooms } of resumes.splice(0)) {
    for (const message of log.slice(rooms[ROOM], head)) receiver.receive(message, true);
    receiver.receive({ command: 'Resumed' }, true);
  }
}

test('a gap is asked for once, and the client is live when it is filled', () => {
  const { receiver, seen } = openReceiver();
  receiver.welcome(welcomeAt(3));
  for (const seq of [5, 6, 7]) receiver.receive(log[seq - 1] as Message, true);
  assert.deepEqual(seen.resumes, [
    { command: 'Resume', epoch: EPOCH, rooms: { [ROOM]: 3 }, most: undefined, more: undefined },
  ]);
  answer(receiver, seen.resumes, 7);
  assert.deepEqual(seqsOf(seen.messages), [4, 5, 6, 7]);
  assert.deepEqual(seen.states, ['recovering: gap', 'live: resumed']);
});

test('messages that a full reader cannot take are asked for later', () => {
  const { receiver, seen } = openReceiver();
  receiver.welcome(welcomeAt(1));
  seen.isFull = true;
  receiver.receive(log[1] as Message, true);
  receiver.receive(log[2] as Message, true);
  assert.deepEqual([seen.messages, seen.resumes], [[], []]);
  seen.isFull = false;
  receiver.catchUp();
  answer(receiver, seen.resumes, 3);
  assert.deepEqual(seqsOf(seen.messages), [2, 3]);
});

test('a room that the user joins while the reader is full is asked for later', () => {
  const { receiver, seen } = openReceiver();
  receiver.welcome({ ...welcomeAt(0), rooms: [] });
  seen.isFull = true;
  const added: Message = { ...(log[9] as Message), command: 'AddUser', targetId: 'bob' };
  for (const message of [added, log[10] as Message]) receiver.receive(message, true);
  seen.isFull = false;
  receiver.catchUp();
  assert.deepEqual(
    seen.resumes.map(({ rooms }) => rooms),
    [{ [ROOM]: 9 }],
  );
  for (const message of [added, log[10] as Message]) receiver.receive(message, true);
  assert.deepEqual([seqsOf(seen.messages), seen.resyncs], [[10, 11], []]);
});

test('a late Left or Resync of the old connection changes nothing', () => {
  const { receiver, seen } = openReceiver();
  receiver.welcome(welcomeAt(9));
  receiver.receive({ command: 'Left', roomId: ROOM }, false);
  receiver.receive({ command: 'Resync', roomId: ROOM, seq: 20 }, false);
  receiver.receive(log[9] as Message, true);
  assert.deepEqual([seqsOf(seen.messages), seen.lefts, seen.resyncs], [[10], [], []]);
});

test('a Resync moves the position, and a Left ends the room', () => {
  const { receiver, seen } = openReceiver();
  receiver.welcome(welcomeAt(3));
  receiver.receive({ command: 'Resync', roomId: ROOM, seq: 20 }, true);
  receiver.receive(log[20] as Message, true);
  assert.deepEqual([seqsOf(seen.messages), seen.resyncs], [[21], [[ROOM, 20]]]);
  receiver.receive({ command: 'Left', roomId: ROOM }, true);
  assert.deepEqual([seen.lefts, receiver.positions.roomIds], [[ROOM], []]);
});

test('the own AddUser begins a membership, and an older message of the room is known', () => {
  const { receiver, seen } = openReceiver();
  receiver.welcome({ ...welcomeAt(0), rooms: [] });
  const added: Message = { ...(log[9] as Message), command: 'AddUser', targetId: 'bob' };
  receiver.receive(log[8] as Message, true);
  receiver.receive(added, true);
  receiver.receive(log[8] as Message, true);
  receiver.receive({ ...(log[10] as Message), command: 'RemoveUser', targetId: 'bob' }, true);
  receiver.receive(added, true);
  receiver.receive(log[11] as Message, true);
  assert.deepEqual([seqsOf(seen.messages), receiver.positions.roomIds, seen.resumes], [[10, 11], [], []]);
});

test('a member who returned while the client was offline jumps to the own AddUser', () => {
  const { receiver, seen } = openReceiver();
  receiver.welcome(welcomeAt(3));
  receiver.receive({ ...(log[9] as Message), command: 'AddUser', targetId: 'bob' }, true);
  assert.deepEqual([seqsOf(seen.messages), seen.resyncs], [[10], [[ROOM, 9]]]);
});

test('a new room begins at its AddUser, and another epoch at the head', () => {
  const { receiver } = openReceiver();
  receiver.welcome({ ...welcomeAt(0), rooms: [] });
  receiver.welcome(welcomeAt(12, EPOCH, 5));
  assert.equal(receiver.positions.of(ROOM), 4);
  receiver.welcome(welcomeAt(7, 'another epoch', 5));
  assert.equal(receiver.positions.of(ROOM), 7);
});

test('the positions of 10,000 rooms are sent in frames that a gateway takes', () => {
  const { receiver } = openReceiver();
  const rooms = Array.from({ length: 10_000 }, () => ({ id: crypto.randomUUID(), seq: Number.MAX_SAFE_INTEGER }));
  receiver.welcome({ ...welcomeAt(0), rooms });
  const frames = receiver.hello();
  for (const frame of frames) assert.ok(JSON.stringify(frame).length <= MAX_FRAME_BYTES);
  assert.deepEqual(
    frames.map(({ more }) => more),
    [...Array(frames.length - 1).fill(true), undefined],
  );
  assert.deepEqual(
    Object.assign({}, ...frames.map((frame) => frame.rooms)),
    Object.fromEntries(rooms.map(({ id, seq }) => [id, seq])),
  );
});
