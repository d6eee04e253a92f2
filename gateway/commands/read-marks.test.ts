import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ReadOutcome } from '../../shared/contract/jobs.ts';
import { limits } from '../../shared/contract/limits.ts';
import type { ReadMark } from '../../shared/contract/read-marks.ts';
import { ReadMarks } from './read-marks.ts';

const MAX_WAIT_MS = 2_000;

/** Read marks whose time passes by {@link pass}, and every mark that they have sent. */
function begin(t: TestContext, answer: (mark: ReadMark) => ReadOutcome) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const sent: ReadMark[] = [];
  const marks = new ReadMarks({
    async markRead(mark) {
      sent.push(mark);
      return answer(mark);
    },
  });
  const pass = async () => {
    t.mock.timers.tick(MAX_WAIT_MS);
    await nextTurn();
  };
  return { marks, sent, pass };
}

const stored = ({ seq }: ReadMark): ReadOutcome => ({ seq, head: seq, unread: 0, mentions: 0 });
const mark = (seq: number, roomId = 'a room', userId = 'ann'): ReadMark => ({ userId, roomId, seq });

test('ten thousand marks of a user in one room are sent as one, with the highest seq', async (t) => {
  const { marks, sent, pass } = begin(t, stored);
  for (let seq = 1; seq <= 10_000; seq++) marks.add(mark(seq));
  marks.add(mark(5));
  assert.equal(marks.waiting, 1);
  await pass();
  assert.deepEqual(sent, [mark(10_000)]);
  await pass();
  assert.deepEqual([sent.length, marks.waiting], [1, 0]);
});

test('of the marks of a user in ten thousand rooms, the newest are kept, and other users lose none', async (t) => {
  const { marks, sent, pass } = begin(t, stored);
  marks.add(mark(1, 'a room', 'bob'));
  for (let room = 1; room <= 10_000; room++) marks.add(mark(1, `room ${room}`));
  assert.equal(marks.waiting, limits.MAX_WAITING_MARKS_OF_USER + 1);
  await pass();
  const ofAnn = sent.filter(({ userId }) => userId === 'ann').map(({ roomId }) => roomId);
  assert.deepEqual([ofAnn.length, ofAnn.at(0), ofAnn.at(-1)], [1_000, 'room 9001', 'room 10000']);
  assert.equal(sent.length, 1_001);
});

test('the marks of all users together have a bound', (t) => {
  const { marks } = begin(t, stored);
  for (let user = 0; user <= limits.MAX_WAITING_MARKS; user++) marks.add(mark(1, 'a room', `user ${user}`));
  assert.equal(marks.waiting, limits.MAX_WAITING_MARKS);
});

test('a mark is sent again until it is stored, and a newer mark replaces it', async (t) => {
  const outcomes: ReadOutcome[] = [
    { code: 'unavailable' },
    { code: 'busy' },
    { code: 'unknown_outcome' },
    // Another session had locked the membership.
    { seq: 1, head: 9, unread: 8, mentions: 0 },
  ];
  const { marks, sent, pass } = begin(t, (each) => outcomes.shift() ?? stored(each));
  marks.add(mark(4));
  await pass();
  marks.add(mark(6));
  for (let round = 0; round < 6; round++) await pass();
  assert.deepEqual(sent, [mark(4), ...Array(4).fill(mark(6))]);
});

test('a mark that is refused for good, and a mark above the head, are not sent again', async (t) => {
  const outcomes: ReadOutcome[] = [
    { code: 'not_a_member' },
    { code: 'internal' },
    { seq: 3, head: 3, unread: 0, mentions: 0 },
  ];
  const { marks, sent, pass } = begin(t, () => outcomes.shift() ?? assert.fail('sent again'));
  for (const roomId of ['one', 'two', 'three']) marks.add(mark(7, roomId));
  await pass();
  await pass();
  assert.deepEqual([sent.length, marks.waiting], [3, 0]);
});

test('after close, no mark is sent or kept', async (t) => {
  const { marks, sent, pass } = begin(t, () => ({ code: 'unavailable' }));
  marks.add(mark(1));
  await pass();
  assert.equal(marks.waiting, 1);
  marks.close();
  marks.add(mark(2));
  await pass();
  assert.deepEqual([sent.length, marks.waiting], [1, 0]);
});
