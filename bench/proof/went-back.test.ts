import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event, History } from './history.ts';
import { measureWentBack } from './went-back.ts';

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
  assert.deepEqual(measureWentBack(historyWith('close code 4001 reload'), WENT_BACK), { lostAcks: 1, reloadMs: 100 });
});

test('a client that is closed for another reason, or not at all, did not learn it', () => {
  for (const reason of [undefined, 'close code 4100 unavailable', 'lost'])
    assert.equal(measureWentBack(historyWith(reason), WENT_BACK).reloadMs, Number.POSITIVE_INFINITY);
  assert.equal(measureWentBack(historyWith('close code 4401 token_revoked'), WENT_BACK).reloadMs, 0);
});
