import type { Event, GotMessage, History, Row, SentCommand } from './history.ts';
import type { NewEvent } from './recorder.ts';

// A history for the tests of the checker.

export const ROOM = 'room';
/** Ann and Bob are members from the beginning. Ann adds Cyd, Cyd writes, Ann removes Cyd. */
const SCRIPT: [sender: string, command: SentCommand['command'], targetId: string][] = [
  ...Array(5).fill(['ann', 'CreateMessage', ROOM]),
  ['ann', 'AddUser', 'cyd'],
  ['cyd', 'CreateMessage', ROOM],
  ['bob', 'CreateMessage', ROOM],
  ['cyd', 'CreateMessage', ROOM],
  ['ann', 'UpdateMessage', 'id 4'],
  ['ann', 'DeleteMessage', 'id 3'],
  ['ann', 'RemoveUser', 'cyd'],
  ...Array(5).fill(['bob', 'CreateMessage', ROOM]),
];
const createdAt = new Date(0).toISOString();
const BEFORE: Row[] = [
  {
    roomId: ROOM,
    seq: 1,
    id: 'id 1',
    ref: 'ref 1',
    userId: 'ann',
    command: 'CreateRoom',
    targetId: ROOM,
    text: 'created',
    createdAt,
  },
  {
    roomId: ROOM,
    seq: 2,
    id: 'id 2',
    ref: 'ref 2',
    userId: 'ann',
    command: 'AddUser',
    targetId: 'bob',
    text: 'joined',
    createdAt,
  },
];
export const connections = { ann: 1, bob: 2, cyd: 3, bobAgain: 4 };
/** Bob loses the socket after the first of these messages, and comes back after the second. */
export const [BOB_LEAVES, BOB_IS_BACK] = [5, 14];

/** A correct history. Each test breaks it in one place. */
export function correctHistory(): History {
  const history: History = {
    events: [],
    rooms: [{ id: ROOM, initialSeq: 2 }],
    rows: structuredClone(BEFORE),
    memberships: ['ann', 'bob'].map((userId) => ({ roomId: ROOM, userId })),
  };
  let isCydIn = false;
  for (const userId of ['ann', 'bob', 'cyd'] as const)
    add(history, {
      kind: 'opened',
      connection: connections[userId],
      userId,
      heads: new Map(userId === 'cyd' ? [] : [[ROOM, 2]]),
    });
  SCRIPT.forEach(([sender, command, targetId], index) => {
    const seq = index + 3;
    const ref = `ref ${seq}`;
    const connection = sender === 'bob' && seq > BOB_LEAVES ? connections.bobAgain : connections[sender as 'ann'];
    const message: GotMessage = { roomId: ROOM, seq, command, targetId };
    const text = command === 'CreateMessage' || command === 'UpdateMessage' ? `text ${seq}` : '';
    add(history, { kind: 'sent', connection, ref, command, roomId: ROOM, targetId, text });
    history.rows.push({ ...message, id: `id ${seq}`, ref, userId: sender, text, createdAt });
    if (command === 'AddUser') isCydIn = true;
    add(history, { kind: 'got', connection: connections.ann, ...message });
    if (isCydIn) add(history, { kind: 'got', connection: connections.cyd, ...message });
    if (command === 'RemoveUser') isCydIn = false;
    if (seq <= BOB_LEAVES) add(history, { kind: 'got', connection: connections.bob, ...message });
    if (seq === BOB_IS_BACK) reconnectBob(history);
    if (seq > BOB_IS_BACK) add(history, { kind: 'got', connection: connections.bobAgain, ...message });
    add(history, { kind: 'acked', connection, ref, roomId: ROOM, seq });
  });
  rowOf(history, 4).text = 'text 12';
  rowOf(history, 3).text = '';
  add(history, {
    kind: 'sent',
    connection: 3,
    ref: 'refused',
    command: 'CreateMessage',
    roomId: ROOM,
    targetId: ROOM,
    text: 'no',
  });
  add(history, { kind: 'refused', connection: 3, ref: 'refused', code: 'not_a_member' });
  return history;
}

export function add(history: History, event: NewEvent): void {
  history.events.push({ ...event, atMs: history.events.length } as Event);
}

/** Bob reads what was missed: all messages except the edit and the deletion. */
function reconnectBob(history: History): void {
  add(history, { kind: 'closed', connection: connections.bob, reason: 'lost' });
  add(history, {
    kind: 'opened',
    connection: connections.bobAgain,
    userId: 'bob',
    heads: new Map([[ROOM, BOB_IS_BACK]]),
  });
  const seqs = [6, 7, 8, 9, 10, 11, 14];
  add(history, { kind: 'read', userId: 'bob', roomId: ROOM, after: BOB_LEAVES, to: BOB_IS_BACK, seqs });
}

export const rowOf = (history: History, seq: number) => history.rows[seq - 1] as Row;

/** @returns where the connection got the message */
export function placeOf({ events }: History, connection: number, seq: number): number {
  return events.findIndex((event) => event.kind === 'got' && event.connection === connection && event.seq === seq);
}
