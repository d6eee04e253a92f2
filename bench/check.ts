import type { Database } from '../shared/database.ts';
import type { Fixture } from './fixture.ts';
import type { Ledger, LedgerRoom } from './ledger.ts';

interface Row {
  seq: number;
  ref: string;
}

/**
 * Compares what the sockets received with what Postgres holds. Every message must be acked, and stored once with the
 * seq of its ack. The seqs of a room must be 1 to n. Every socket must have received all of them, in this order.
 * @returns one line for each error
 */
export async function findErrors(fixture: Fixture, ledger: Ledger, database: Database): Promise<string[]> {
  const errors = [...ledger.errors];
  if (ledger.inFlight > 0) errors.push(`${ledger.inFlight} of ${ledger.sent} messages have no outcome`);
  for (const [code, count] of ledger.refusals) errors.push(`${count} messages were refused: ${code}`);
  let stored = 0;
  for (const room of fixture.rooms) {
    const rows = await database<Row[]>`select seq, ref from messages where room_id = ${room.id} order by seq`;
    errors.push(...checkRoom(room, rows, ledger));
    stored += rows.length - room.initialSeq;
  }
  if (stored !== ledger.acked) errors.push(`${ledger.acked} messages were acked, ${stored} are stored`);
  return errors.concat(checkEnds(fixture));
}

function checkRoom({ id, initialSeq, order }: LedgerRoom, rows: Row[], ledger: Ledger): string[] {
  const gap = rows.findIndex(({ seq }, place) => seq !== place + 1);
  const errors = gap < 0 ? [] : [`room ${id}: seq ${rows[gap]?.seq} where ${gap + 1} is expected`];
  const stored = rows.slice(initialSeq);
  if (order.length !== stored.length)
    errors.push(`room ${id}: ${stored.length} messages are stored, ${order.length} were received`);
  order.forEach((index, place) => {
    const row = stored[place];
    if (row?.ref !== ledger.refs.of(index)) errors.push(`room ${id}: message ${index} was received, not ${row?.ref}`);
    else if (ledger.ackOf(index) !== row.seq)
      errors.push(`message ${index}: acked at ${ledger.ackOf(index)}, stored at ${row.seq}`);
  });
  return errors;
}

/** Each delivery was checked when it came. So a socket that has the last message of its room has all of them. */
function checkEnds({ members }: Fixture): string[] {
  return members.flatMap(({ number, nextSeq, room }) => {
    const last = room.initialSeq + room.order.length;
    return nextSeq === last + 1 ? [] : [`socket ${number}: the last seq is ${nextSeq - 1} where ${last} is expected`];
  });
}
