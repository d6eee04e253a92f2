import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event, History } from './history.ts';
import { checkReturned, measureWentBack } from './went-back.ts';

const WENT_BACK = { fromMs: 10, toMs: 20 };

function historyWith(reason: string | undefined): History {
  const [row] = [{ roomId: 'room', ref: 'kept', seq: 1, command: 'CreateMessage' as const, targetId: 'room' }];
  const stored = { ...row, id: 'id', userId: 'ann', text: '', createdAt: '' };
  const events: Event[] = [
    { kind: 'opened', connection: 1, userId: 'ann', heads: new Map(), atMs: 1 },
    { kind: 'acked', connection: 1, ref: 'kept', roomId: 'room', seq: 1, atMs: 2 },
    { kind: 'acked', connection: 1, ref: 'lost', roomId: 'room', seq: 2, atMs: 3 },
    ...(reason ? [{ kind: 'closed' as const, connection: 1, reason, atMs: 120 }] : []),
    { kind: 'opened', connection: 2, userId: 'ann', heads: new Map(), atMs: 130 },
  ];
  return { events, rooms: [], rows: [stored], memberships: [] };
}

test('a lost ack and the time until the close code 4001 are measured', () => {
  assert.deepEqual(measureWentBack(historyWith('close code 4001 reload'), WENT_BACK), {
    ...{ lostAcks: 1, reloadMs: 100, resyncs: 0 },
  });
});

test('a client that is closed for another reason, or not at all, did not learn it', () => {
  for (const reason of [undefined, 'close code 4100 unavailable', 'lost'])
    assert.equal(measureWentBack(historyWith(reason), WENT_BACK).reloadMs, Number.POSITIVE_INFINITY);
  assert.equal(measureWentBack(historyWith('close code 4401 token_revoked'), WENT_BACK).reloadMs, 0);
});

/** Ann comes back with a position of the old epoch, which is left out of `heads`. */
function returnWith(...events: Event[]): History {
  const opened: Event = { kind: 'opened', connection: 3, userId: 'ann', heads: new Map(), isResumed: true, atMs: 30 };
  const history = historyWith('close code 4001 reload');
  return { ...history, rooms: [{ id: 'room', initialSeq: 0 }], events: [...history.events, opened, ...events] };
}
const got: Event = {
  ...{ kind: 'got', connection: 3, roomId: 'room', seq: 2, command: 'CreateMessage', targetId: 'room', atMs: 31 },
};

test('a room of a client that comes back with an old position goes on after its Resync', () => {
  const resynced: Event = { kind: 'resynced', connection: 3, roomId: 'room', seq: 1, atMs: 30 };
  assert.deepEqual(checkReturned(returnWith(resynced, got), WENT_BACK), []);
  assert.equal(measureWentBack(returnWith(resynced, got), WENT_BACK).resyncs, 1);
});

test('a gateway that takes an old position silently breaks the stream', () => {
  assert.deepEqual(
    checkReturned(returnWith(got), WENT_BACK).map(({ rule }) => rule),
    ['a stream goes on by 1'],
  );
});

test('a client that came back in the old epoch must also get the close code 4001', () => {
  const history = historyWith('close code 4001 reload');
  const opened = { kind: 'opened', userId: 'ann', heads: new Map() } as const;
  history.events.unshift({ ...opened, connection: 4, epoch: 'old', atMs: 0 });
  history.events.push({ kind: 'closed', connection: 4, reason: 'close code 4001 reload', atMs: 120 });
  history.events.push({ ...opened, connection: 5, epoch: 'old', atMs: 30 });
  assert.equal(measureWentBack(history, WENT_BACK).reloadMs, Number.POSITIVE_INFINITY);
  history.events.push({ kind: 'closed', connection: 5, reason: 'close code 4001 reload', atMs: 150 });
  assert.equal(measureWentBack(history, WENT_BACK).reloadMs, 130);
});
