import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameLog } from './frame-log.ts';
import { Recoveries } from './recoveries.ts';
import { whyHere } from './why-here.ts';

const TIME = '2026-01-02T03:04:05.678Z';

/** A log whose client takes each message that is the next one of its room. */
function openLog() {
  const log = new FrameLog();
  const recoveries = new Recoveries(log);
  const positions = new Map<string, number>();
  log.positionOf = (roomId) => positions.get(roomId);
  const receive = (frame: object) => log.addReceived(1, JSON.stringify(frame));
  const receiveMessage = (roomId: string, seq: number, ref = `ref ${seq}`) => {
    receive({ command: 'CreateMessage', roomId, seq, ref, createdAt: TIME });
    if (log.getSnapshot().at(-1)?.place !== 'early') positions.set(roomId, seq);
  };
  const welcome = (heads: Record<string, number>) =>
    receive({ command: 'Welcome', rooms: Object.entries(heads).map(([id, seq]) => ({ id, seq })) });
  const goLive = (heads: Record<string, number>) => {
    log.addState('connecting', 'connect');
    welcome(heads);
    log.addState('recovering', 'welcome');
    log.addState('live', 'resumed');
  };
  return { log, recoveries, receive, receiveMessage, welcome, goLive };
}

test('the log says where each message stands', () => {
  const { log, receiveMessage } = openLog();
  for (const seq of [7, 8, 10, 8]) receiveMessage('tea', seq);
  assert.deepEqual(
    log.getSnapshot().map(({ place }) => place),
    ['start', 'next', 'early', 'copy'],
  );
});

test('the first connection is no recovery', () => {
  const { recoveries, goLive } = openLog();
  goLive({ tea: 3 });
  assert.deepEqual(recoveries.getSnapshot(), []);
});

test('a recovery has the messages up to the Welcome, without the new ones that come before it ends', () => {
  const { log, recoveries, receiveMessage, welcome, goLive } = openLog();
  goLive({ tea: 3, coffee: 1 });
  for (const seq of [3, 4]) receiveMessage('tea', seq);
  log.addState('offline', 'cut');
  log.addState('connecting', 'cut');
  welcome({ tea: 6, coffee: 1 });
  log.addState('recovering', 'welcome');
  for (const seq of [5, 6, 6, 7]) receiveMessage('tea', seq);
  assert.equal(recoveries.getSnapshot()[0]?.ended, undefined);
  log.addState('live', 'resumed');
  receiveMessage('tea', 8);
  const [recovery, ...others] = recoveries.getSnapshot();
  assert.deepEqual(others, []);
  assert.deepEqual(recovery?.rooms, [{ roomId: 'tea', firstSeq: 5, lastSeq: 6, messages: 2 }]);
  assert.deepEqual([recovery?.reason, recovery?.copies, typeof recovery?.ended], ['cut', 1, 'number']);
});

test('after a gap, every message until the end was missed', () => {
  const { log, recoveries, receiveMessage, goLive } = openLog();
  goLive({ tea: 3 });
  for (const seq of [3, 5]) receiveMessage('tea', seq);
  log.addState('recovering', 'gap');
  for (const seq of [4, 5]) receiveMessage('tea', seq);
  log.addState('live', 'resumed');
  assert.deepEqual(recoveries.getSnapshot()[0]?.rooms, [{ roomId: 'tea', firstSeq: 4, lastSeq: 5, messages: 2 }]);
});

test('the reasons of an own message name how many times its command was sent, and its acknowledgement', () => {
  const { log, receive, receiveMessage } = openLog();
  const explain = () => {
    const entries = log.getSnapshot();
    const message = entries.find(({ name, kind }) => name === 'CreateMessage' && kind === 'received');
    return message ? whyHere(message, entries) : assert.fail();
  };
  receiveMessage('tea', 4, 'mine');
  assert.equal(explain().length, 3);
  const command = JSON.stringify({ command: 'CreateMessage', roomId: 'tea', text: 'Hello', ref: 'mine' });
  log.addSent(1, command);
  assert.ok(explain().some((sentence) => sentence.includes('not acknowledged')));
  log.addSent(2, command);
  receive({ command: 'Ack', roomId: 'tea', seq: 4, ref: 'mine' });
  const reasons = explain().join(' ');
  assert.match(reasons, /2 times with the same ref/);
  assert.match(reasons, /acknowledged it after \d+ ms/);
});

test('the log forgets its oldest entries', () => {
  const { log, receiveMessage } = openLog();
  for (let seq = 1; seq <= 1_100; seq++) receiveMessage('tea', seq);
  const entries = log.getSnapshot();
  assert.deepEqual([entries.length, entries[0]?.number, entries.at(-1)?.number], [1_000, 101, 1_100]);
});
