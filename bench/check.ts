import type { Database } from '../shared/database.ts';
import type { Fixture } from './fixture.ts';
import type { Ledger, LedgerRoom } from './ledger.ts';

/** A message that Postgres holds. */
export interface StoredMessage {
  seq: number;
  ref: string;
}

/**
 * Compares what the sockets received with what Postgres holds. Every message must be acked, and stored once with the
 * seq of its ack. The seqs of a room must be 1 to n. Every socket must have received all of them, in this order.
 * @returns one line for each error
 */
export async function findErrors(fixture: Fixture, ledger: Ledger, database: Database): Promise<string[]> {
  const errors: string[] = [];
  for (const [code, count] of ledger.refusals) errors.push(`${count} commands were answered with ${code}`);
  errors.push(...ledger.errors);
  if (ledger.inFlight > 0) errors.push(`${ledger.inFlight} of ${ledger.sent} messages have no outcome`);
  let stored = 0;
  for (const room of fixture.rooms) {
    const rows = await database<StoredMessage[]>`select seq, ref from messages where room_id = ${room.id} order by seq`;
    errors.push(...checkRoom(room, rows, ledger));
    stored += rows.length - room.initialSeq;
  }
  if (stored !== ledger.acked) errors.push(`${ledger.acked} messages were acked, ${stored} are stored`);
  return errors.concat(checkEnds(fixture));
}

function checkRoom(room: LedgerRoom, rows: StoredMessage[], ledger: Ledger): string[] {
  const { id, initialSeq, order } = room;
  const errors = checkStored(room, rows, ledger);
  const stored = rows.slice(initialSeq);
  if (order.length !== stored.length)
    errors.push(`room ${id}: ${stored.length} messages are stored, ${order.length} were received`);
  order.forEach((index, place) => {
    const ref = stored[place]?.ref;
    if (ref !== ledger.refs.of(index)) errors.push(`room ${id}: message ${index} was received, ${ref} is stored`);
  });
  return errors;
}

/** Checks that the seqs of a room are 1 to n, and that each message was acked with its seq. */
export function checkStored(
  { id, initialSeq }: Omit<LedgerRoom, 'order'>,
  rows: StoredMessage[],
  ledger: Ledger,
): string[] {
  const gap = rows.findIndex(({ seq }, place) => seq !== place + 1);
  const errors = gap < 0 ? [] : [`room ${id}: seq ${rows[gap]?.seq} where ${gap + 1} is expected`];
  for (const { seq, ref } of rows.slice(initialSeq)) {
    const acked = ledger.ackOf(ledger.refs.indexIn(Buffer.from(ref), 0));
    if (acked !== seq) errors.push(`room ${id}: ${ref} is stored at ${seq}, acked at ${acked}`);
  }
  return errors;
}

/** Each delivery was checked when it came. So a socket that has the last message of its room has all of them. */
function checkEnds({ members }: Fixture): string[] {
  return members
    .flatMap(({ rooms }) => rooms)
    .flatMap(({ number, nextSeq, room }) => {
      const last = room.initialSeq + room.order.length;
      return nextSeq === last + 1 ? [] : [`socket ${number}: the last seq is ${nextSeq - 1} where ${last} is expected`];
    });
}
