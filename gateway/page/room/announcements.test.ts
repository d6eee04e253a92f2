import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommittedMessage } from '../../../shared/client/room-view.ts';
import { Announcements, NAME_WAIT_MS } from './announcements.ts';

const messages = (...seqs: number[]) => seqs.map((seq) => ({ seq, id: `${seq}` }) as CommittedMessage);
const seqsOf = (taken: CommittedMessage[]) => taken.map(({ seq }) => seq);
const always = () => true;

test('each new message is spoken once, and the history never', () => {
  const announcements = new Announcements();
  announcements.note(messages(5, 6), 0);
  assert.deepEqual(seqsOf(announcements.take(always, 0)), []);
  announcements.note(messages(5, 6, 7, 8), 0);
  announcements.note(messages(1, 2, 3, 4, 5, 6, 7, 8), 0);
  assert.deepEqual(seqsOf(announcements.take(always, 0)), [7, 8]);
  announcements.note(messages(1, 2, 3, 4, 5, 6, 7, 8, 9), 0);
  assert.deepEqual(seqsOf(announcements.take(always, 0)), [9]);
});

test('the first message of an empty room is spoken', () => {
  const announcements = new Announcements();
  announcements.note([], 0);
  announcements.note(messages(1), 0);
  assert.deepEqual(seqsOf(announcements.take(always, 0)), [1]);
});

test('a message waits for the name of its author, and the messages after it keep their order', () => {
  const announcements = new Announcements();
  announcements.note(messages(1), 0);
  announcements.note(messages(1, 2, 3, 4), 100);
  const knowsAllExcept3 = ({ seq }: CommittedMessage) => seq !== 3;
  assert.deepEqual(seqsOf(announcements.take(knowsAllExcept3, 100)), [2]);
  assert.deepEqual(seqsOf(announcements.take(knowsAllExcept3, 99 + NAME_WAIT_MS)), []);
  assert.ok(announcements.isWaiting);
  assert.deepEqual(seqsOf(announcements.take(knowsAllExcept3, 100 + NAME_WAIT_MS)), [3, 4]);
  assert.ok(!announcements.isWaiting);
});
