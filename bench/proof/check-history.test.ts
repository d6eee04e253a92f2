import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkHistory, RULES } from './check-history.ts';
import { add, connections, correctHistory, placeOf, ROOM, rowOf } from './example-history.ts';
import type { Event, GotMessage, History } from './history.ts';

test('a correct history with a reconnect, an added and a removed member has no violation', () => {
  assert.deepEqual(checkHistory(correctHistory()), []);
});

const breaks: Record<string, [rule: keyof typeof RULES, change: (history: History) => unknown]> = {
  'a dropped frame': ['a stream goes on by 1', (history) => history.events.splice(placeOf(history, 1, 7), 1)],
  'a doubled frame': [
    'a stream goes on by 1',
    (history) => history.events.splice(placeOf(history, 1, 7), 0, history.events[placeOf(history, 1, 7)] as Event),
  ],
  'two swapped frames': [
    'a stream goes on by 1',
    (history) => {
      const { events } = history;
      const [one, two] = [placeOf(history, 1, 7), placeOf(history, 1, 8)];
      [events[one], events[two]] = [events[two] as Event, events[one] as Event];
    },
  ],
  'a lost last frame': ['a member gets every message', (history) => history.events.splice(placeOf(history, 1, 19), 1)],
  'a read that did not happen': [
    'a member gets every message',
    ({ events }) =>
      events.splice(
        events.findIndex(({ kind }) => kind === 'read'),
        1,
      ),
  ],
  'a read without a message': [
    'a read shows every message',
    ({ events }) => events.find((event) => event.kind === 'read')?.seqs.splice(2, 1),
  ],
  'a frame after a removal': [
    'nothing arrives after a removal',
    (history) => {
      // The socket of Cyd goes on as if nobody had removed Cyd.
      const removal = history.events[placeOf(history, 3, 14)] as Event & GotMessage;
      removal.targetId = 'somebody else';
      add(history, { kind: 'got', connection: 3, roomId: ROOM, seq: 15, command: 'CreateMessage', targetId: ROOM });
    },
  ],
  'a frame long after a logout': [
    'nothing arrives after a revocation',
    ({ events }) => {
      events.unshift({ kind: 'revoked', connection: 1, atMs: -2_000 });
    },
  ],
  'a row of a refused command': [
    'a refused command has no row',
    (history) => add(history, { kind: 'refused', connection: 2, ref: 'ref 19', code: 'no_such_room' }),
  ],
  'a row of a command that was busy at each sending': [
    'a refused command has no row',
    (history) => add(history, { kind: 'refused', connection: 2, ref: 'ref 19', code: 'busy' }),
  ],
  'an ack without a row': [
    'an ack has its row',
    (history) => {
      add(history, {
        kind: 'sent',
        connection: 1,
        ref: 'x',
        command: 'CreateMessage',
        roomId: ROOM,
        targetId: ROOM,
        text: '',
      });
      add(history, { kind: 'acked', connection: 1, ref: 'x', roomId: ROOM, seq: 3 });
    },
  ],
  'an ack with a wrong seq': [
    'an ack has its row',
    ({ events }) => {
      const ack = events.find((event) => event.kind === 'acked' && event.seq === 9);
      if (ack?.kind === 'acked') ack.seq = 8;
    },
  ],
  'a row that nobody sent': [
    'a row was sent',
    ({ events }) =>
      events.splice(
        events.findIndex(({ kind }) => kind === 'sent'),
        1,
      ),
  ],
  'a command with two rows': [
    'a command has one effect',
    (history) => {
      const row = { ...rowOf(history, 19), seq: 20, id: 'id 20' };
      history.rows.push(row);
      for (const connection of [connections.ann, connections.bobAgain])
        add(history, { kind: 'got', connection, ...row });
    },
  ],
  'a room without one of its seqs': [
    'the seqs of a room are 1 to n',
    ({ events, rows }) => {
      rows.splice(2, 1);
      const ack = events.findIndex((event) => event.kind === 'acked' && event.seq === 3);
      events[ack] = { kind: 'refused', connection: 1, ref: 'ref 3', code: 'not_a_member', atMs: ack };
    },
  ],
  'two messages of a connection in the wrong order': [
    'the commands of a connection keep their order',
    ({ events }) => {
      const [one, two] = ['ref 3', 'ref 4'].map((ref) =>
        events.findIndex((event) => event.kind === 'sent' && event.ref === ref),
      ) as [number, number];
      [events[one], events[two]] = [events[two] as Event, events[one] as Event];
    },
  ],
  'a command without an outcome': [
    'every command has an outcome',
    (history) =>
      add(history, {
        kind: 'sent',
        connection: 1,
        ref: 'x',
        command: 'CreateMessage',
        roomId: ROOM,
        targetId: ROOM,
        text: '',
      }),
  ],
  'a member that no message made': [
    'the members of a room are those that its messages made',
    ({ memberships }) => memberships.push({ roomId: ROOM, userId: 'eve' }),
  ],
  'an edit without its effect': [
    'a message has the text of its last change',
    (history) => {
      rowOf(history, 4).text = 'text 4';
    },
  ],
};

for (const [name, [rule, change]] of Object.entries(breaks))
  test(`the checker finds ${name}, and nothing else`, () => {
    const history = correctHistory();
    change(history);
    assert.deepEqual([...new Set(checkHistory(history).map((violation) => violation.rule))], [rule]);
  });

test('a frame may arrive later after a logout while a fault lasts', () => {
  const history = correctHistory();
  history.events.unshift({ kind: 'revoked', connection: 1, atMs: -2_000 });
  history.disturbance = { fromMs: -2_500, toMs: -1_500, maxAfterRevocationMs: 5_000 };
  assert.deepEqual(checkHistory(history), []);
  history.disturbance.maxAfterRevocationMs = 1_500;
  assert.notDeepEqual(checkHistory(history), []);
});

test('each rule has a broken history', () => {
  const broken = new Set(Object.values(breaks).map(([rule]) => rule));
  assert.deepEqual(
    Object.keys(RULES).filter((rule) => !broken.has(rule as keyof typeof RULES)),
    [],
  );
});
