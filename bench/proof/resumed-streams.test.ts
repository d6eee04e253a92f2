import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkHistory, type RULES } from './check-history.ts';
import { BOB_IS_BACK, BOB_LEAVES, connections, correctHistory, placeOf, ROOM } from './example-history.ts';
import type { Event, History } from './history.ts';

const CYD_AGAIN = 5;
/** Cyd was added with message 8, loses the socket after message 9, and was removed with message 14. */
const [CYD_LEAVES, CYD_IS_REMOVED] = [9, 14];

/** Bob and Cyd do not read from the history what they missed: the gateway sends it after the reconnect. */
function resumedHistory(): History {
  const history = correctHistory();
  resumeBob(history);
  resumeCyd(history);
  for (const [index, event] of history.events.entries()) event.atMs = index;
  return history;
}

function resumeBob({ events, rows }: History): void {
  const opened = events.findIndex((event) => event.kind === 'opened' && event.connection === connections.bobAgain);
  const read = events.findIndex(({ kind }) => kind === 'read');
  const heads = new Map([[ROOM, BOB_LEAVES]]);
  events[opened] = { kind: 'opened', connection: connections.bobAgain, userId: 'bob', heads, isResumed: true, atMs: 0 };
  const missed = rows.slice(BOB_LEAVES, BOB_IS_BACK);
  events.splice(read, 1, ...missed.map((row) => got(connections.bobAgain, row)));
}

function resumeCyd(history: History): void {
  const { events, rows } = history;
  for (let seq = CYD_LEAVES + 1; seq <= CYD_IS_REMOVED; seq++) events.splice(placeOf(history, connections.cyd, seq), 1);
  const heads = new Map([[ROOM, CYD_LEAVES]]);
  events.push({ kind: 'opened', connection: CYD_AGAIN, userId: 'cyd', heads, isResumed: true, atMs: 0 });
  events.push(...rows.slice(CYD_LEAVES, CYD_IS_REMOVED).map((row) => got(CYD_AGAIN, row)));
}

const got = (connection: number, { roomId, seq, command, targetId }: History['rows'][number]): Event => ({
  ...{ kind: 'got', connection, roomId, seq, command, targetId, atMs: 0 },
});

test('a correct history with resumed streams has no violation', () => {
  assert.deepEqual(checkHistory(resumedHistory()), []);
});

const breaks: Record<string, [rule: keyof typeof RULES, change: (history: History) => unknown]> = {
  'a missed message that is not sent': [
    'a stream goes on by 1',
    (history) => history.events.splice(placeOf(history, connections.bobAgain, 9), 1),
  ],
  'a message that comes twice, before the connection was lost and after it': [
    'a stream goes on by 1',
    ({ events, rows }) => events.push(got(connections.bobAgain, rows[8] as History['rows'][number])),
  ],
  'a stream that begins after the position': [
    'a stream goes on by 1',
    (history) => history.events.splice(placeOf(history, connections.bobAgain, BOB_LEAVES + 1), 1),
  ],
  'a removed member who is not sent the end of the membership': [
    'a member gets every message',
    (history) => history.events.splice(placeOf(history, CYD_AGAIN, CYD_IS_REMOVED), 1),
  ],
  'a resync, after which the client reads nothing': [
    'a member gets every message',
    (history) => {
      const { events } = history;
      const first = placeOf(history, connections.bobAgain, BOB_LEAVES + 1);
      const missed = BOB_IS_BACK - BOB_LEAVES;
      const fields = { connection: connections.bobAgain, roomId: ROOM, seq: BOB_IS_BACK, atMs: 0 };
      events.splice(first, missed, { kind: 'resynced', ...fields });
    },
  ],
};

for (const [name, [rule, change]] of Object.entries(breaks))
  test(`the checker finds ${name}`, () => {
    const history = resumedHistory();
    change(history);
    const rules = checkHistory(history).map((violation) => violation.rule);
    assert.ok(rules.includes(rule), rules.join(', '));
  });
