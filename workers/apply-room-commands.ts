import type postgres from 'postgres';
import { isErrorCode } from '../shared/contract/errors.ts';
import type { Batch, RoomCommand, RoomOutcome } from '../shared/contract/jobs.ts';
import type { Message } from '../shared/contract/messages.ts';
import type { Database } from '../shared/database.ts';
import type { Log } from '../shared/log.ts';
import { applyBatch } from './apply-batch.ts';

export interface AppliedRoomCommands {
  /** In the order of the commands. */
  outcomes: RoomOutcome[];
  /** The messages that this made, in the order of their seq in each room. */
  fresh: Message[];
  /** The messages of commands that had been applied before; whoever did it may not have come to publish them. */
  repeated: Message[];
}

/** A row of the SQL type `room_outcome`. */
type Row = { commandId: string; code: string | null; fresh: boolean } & Message;

/**
 * @param sender names the lane, of all lanes
 * @throws Error when Postgres does not answer
 */
export async function applyRoomCommands(
  database: Database,
  sender: string,
  { number, commands }: Batch<RoomCommand>,
  log: Log,
): Promise<AppliedRoomCommands> {
  const batch = database.json(commands as unknown as postgres.JSONValue);
  const statement = (singly: boolean): Promise<Row[]> =>
    database<Row[]>`select * from apply_room_commands(${batch}, ${sender}, ${number}, ${singly})`;
  const rows = await applyBatch(commands.length, statement, log);
  const stored = rows.filter((row) => !row.code);
  const byCommand = new Map(rows.map((row) => [row.commandId, row]));
  return {
    outcomes: commands.map(({ id }) => outcome(byCommand.get(id))),
    fresh: stored.filter((row) => row.fresh),
    repeated: stored.filter((row) => !row.fresh),
  };
}

function outcome(row: Row | undefined): RoomOutcome {
  if (!row) return { code: 'internal' };
  if (row.code) return { code: isErrorCode(row.code) ? row.code : 'internal' };
  return { id: row.id, roomId: row.roomId, seq: row.seq };
}
