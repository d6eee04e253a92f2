import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../../shared/contract/ids.ts';
import { limits } from '../../../shared/contract/limits.ts';
import { encodeMessage, isChangeOfMessage, type Message } from '../../../shared/contract/messages.ts';
import { RecentMemory } from './recent-memory.ts';
import { RecentRecords } from './recent-records.ts';

const roomId = newId();

function message(seq: number, changes: Partial<Message> = {}): Message {
  const at = new Date(seq * 1_000).toISOString();
  const fields = { id: newId(), userId: newId(), command: 'CreateMessage', targetId: roomId, ref: newId() } as const;
  return { ...fields, roomId, seq, text: `text ${seq}`, createdAt: at, updatedAt: at, ...changes };
}

function keep(...messages: Message[]): RecentRecords {
  const records = new RecentRecords();
  for (const each of messages) records.add(each.seq, encodeMessage(each));
  return records;
}

const read = (records: RecentRecords, seq: number) =>
  records.after(seq)?.map((record) => JSON.parse(record) as Message);

test('records after a seq are there, or undefined if one of them is not kept', () => {
  const records = keep(message(5), message(6), message(7));
  assert.deepEqual(
    read(records, 5)?.map(({ seq }) => seq),
    [6, 7],
  );
  assert.deepEqual(read(records, 4)?.length, 3);
  assert.deepEqual(records.after(7), []);
  assert.equal(records.after(3), undefined);
  assert.equal(records.after(8), undefined);
});

test('of a room with many messages, the last ones are kept', () => {
  const records = keep(...Array.from({ length: 1_000 }, (_, index) => message(index + 1)));
  assert.equal(read(records, 900)?.length, 100);
  assert.equal(records.after(800), undefined);
});

test('a message that was edited has its newest text, older edits have none, and a deleted message has none', () => {
  const [one, two] = [message(1), message(2)];
  const edit = message(3, { command: 'UpdateMessage', targetId: one.id, text: 'first edit' });
  const mentions = [newId()];
  const secondEdit = message(4, { command: 'UpdateMessage', targetId: one.id, text: 'second edit', mentions });
  const editWithMentions = { ...edit, mentions: [newId()] };
  const records = keep(one, two, editWithMentions, secondEdit);
  const after = { ...one, text: 'second edit', mentions, updatedAt: secondEdit.createdAt };
  assert.deepEqual(read(records, 0), [after, two, { ...edit, text: '' }, secondEdit]);
  const deletion = message(5, { command: 'DeleteMessage', targetId: one.id, text: '' });
  records.add(5, encodeMessage(deletion));
  const deleted = { ...one, text: '', updatedAt: deletion.createdAt };
  const { mentions: _, ...erased } = { ...secondEdit, text: '' };
  assert.deepEqual(read(records, 0), [deleted, two, { ...edit, text: '' }, erased, deletion]);
});

test('an older edit that was read without its text changes nothing', () => {
  const one = message(1, { text: 'newest text', updatedAt: new Date(9_000).toISOString() });
  const records = keep(one, message(2, { command: 'UpdateMessage', targetId: one.id, text: '' }));
  assert.deepEqual(read(records, 0)?.[0], one);
});

test('only an edit or a deletion counts as a change of another message, whatever its text is', () => {
  const text = '{"command":"UpdateMessage"}","command":"DeleteMessage"';
  assert.equal(isChangeOfMessage(encodeMessage(message(1, { text }))), false);
  assert.equal(isChangeOfMessage(encodeMessage(message(1, { command: 'UpdateRoom', name: text }))), false);
  assert.equal(isChangeOfMessage(encodeMessage(message(1, { command: 'UpdateMessage', roomId: 'general' }))), true);
  assert.equal(isChangeOfMessage(encodeMessage(message(12345, { command: 'DeleteMessage', text: '' }))), true);
});

test('above the bound of the gateway, rooms without new messages are forgotten first', () => {
  const memory = new RecentMemory();
  const [busy, quiet] = [new RecentRecords(), new RecentRecords()];
  const text = 'x'.repeat(1024 * 1024);
  memory.add(quiet, 1, encodeMessage(message(1, { text })));
  for (let seq = 1; seq < limits.MAX_RECENT_MEGABYTES; seq++)
    memory.add(busy, seq, encodeMessage(message(seq, { text })));
  assert.ok(quiet.after(0) === undefined, 'the quiet room is kept');
  assert.equal(busy.after(0)?.length, limits.MAX_RECENT_MEGABYTES - 1);
  memory.remove(busy);
  assert.equal(memory.characters, 0);
});
