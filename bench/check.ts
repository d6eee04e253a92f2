import type { Database } from '../shared/database.ts';
import type { Fixture } from './fixture.ts';
import type { Ledger } from './ledger.ts';
import type { Member } from './member.ts';

/** Compares what the sockets received with what Postgres holds. @returns one line for each error that it finds */
export async function findErrors(fixture: Fixture, ledger: Ledger, database: Database): Promise<string[]> {
  const rows = await database<{ roomId: string; seq: number; ref: string }[]>`
    select room_id, seq, ref from messages where room_id in ${database(fixture.roomIds)} order by room_id, seq`;
  const unacked = ledger.sent - ledger.acks.size;
  const errors = unacked > 0 ? [`${unacked} of ${ledger.sent} messages were not acked`] : [];
  errors.push(...ledger.refusals.map((refusal) => `refused: ${refusal}`), ...checkAcks(ledger, rows));
  const rowsByRoom = Map.groupBy(rows, ({ roomId }) => roomId);
  for (const [roomId, roomRows] of rowsByRoom) errors.push(...checkSequence(roomId, roomRows));
  for (const member of fixture.members) {
    const stored = rowsByRoom.get(member.roomId)?.map(({ ref }) => ref) ?? [];
    errors.push(...checkMember(member, stored, fixture.initialSeq));
  }
  return errors;
}

/** Finds acked messages that are not stored once with the seq of their ack. */
function checkAcks(ledger: Ledger, rows: { seq: number; ref: string }[]): string[] {
  const rowsByRef = Map.groupBy(rows, ({ ref }) => ref);
  const errors: string[] = [];
  for (const [ref, seq] of ledger.acks) {
    const seqs = rowsByRef.get(ref)?.map((row) => row.seq) ?? [];
    if (seqs.length !== 1 || seqs[0] !== seq) errors.push(`ref ${ref}: acked at ${seq}, stored at ${seqs.join()}`);
  }
  return errors;
}

/** Checks that the seqs of a room are 1, 2, 3 and so on, without a gap. */
function checkSequence(roomId: string, rows: { seq: number }[]): string[] {
  const index = rows.findIndex((row, position) => row.seq !== position + 1);
  return index < 0 ? [] : [`room ${roomId}: seq ${rows[index]?.seq} where ${index + 1} is expected`];
}

/** Checks that the socket received every stored message after the initial seq: once, in order, with the stored ref. */
function checkMember({ deliveries, closed }: Member, stored: string[], initialSeq: number): string[] {
  const expected = stored.slice(initialSeq);
  const errors = closed === undefined ? [] : [`a socket was closed (${closed})`];
  if (deliveries.length !== expected.length)
    errors.push(`a socket received ${deliveries.length} of ${expected.length} messages`);
  const index = deliveries.findIndex(({ seq, ref }, position) => {
    return seq !== initialSeq + position + 1 || ref !== expected[position];
  });
  if (index >= 0)
    errors.push(`a socket received seq ${deliveries[index]?.seq} where ${initialSeq + index + 1} is expected`);
  return errors;
}
