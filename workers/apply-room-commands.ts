import type postgres from 'postgres';
import { columnsOf } from '../shared/columns.ts';
import { isErrorCode } from '../shared/contract/errors.ts';
import type { Batch, RoomCommand, RoomOutcome } from '../shared/contract/jobs.ts';
import { Message } from '../shared/contract/messages.ts';
import type { Database } from '../shared/database.ts';
import type { Log } from '../shared/log.ts';
import { applyBatch } from './apply-batch.ts';

export interface AppliedRoomCommands {
  /** In the order of the commands. */
  outcomes: RoomOutcome[];
  /** The messages that this batch stored, in the order of their seqs in each room. */
  fresh: Message[];
  /** The messages of commands that had been applied before. The process that applied them may not have published them. */
  repeated: Message[];
}

interface RefusedRow {
  commandId: string;
  code: string;
}

/** The command, and the columns of the message that records it. */
interface CommittedRow extends Message {
  commandId: string;
  code: null;
  /** False if the command had been applied before. */
  fresh: boolean;
}

/** The SQL type `room_outcome`, with the columns of its message side by side. */
type Row = RefusedRow | CommittedRow;

const messageColumns = columnsOf(Message);

/**
 * Applies a batch with one statement.
 * @param sender names the lane among all lanes
 * @throws Error if Postgres does not answer
 */
export async function applyRoomCommands(
  database: Database,
  sender: string,
  { number, commands }: Batch<RoomCommand>,
  log: Log,
): Promise<AppliedRoomCommands> {
  const batch = database.json(commands as unknown as postgres.JSONValue);
  const statement = (singly: boolean): Promise<Row[]> => database<Row[]>`
    select command_id, code, fresh, ${database(messageColumns)}
    from apply_room_commands(${sender}, ${number}, ${batch}, ${singly}), lateral (select (message).*) columns`;
  const rows = await applyBatch(commands.length, statement, log);
  const committed = rows.filter((row) => row.code === null);
  const byCommand = new Map(rows.map((row) => [row.commandId, row]));
  return {
    outcomes: commands.map((command) => outcomeOf(command, byCommand.get(command.id))),
    fresh: committed.filter(({ fresh }) => fresh),
    repeated: committed.filter(({ fresh }) => !fresh),
  };
}

function outcomeOf({ wantsMessage }: RoomCommand, row: Row | undefined): RoomOutcome {
  if (!row) return { code: 'internal' };
  if (row.code !== null) return { code: isErrorCode(row.code) ? row.code : 'internal' };
  const { id, roomId, seq } = row;
  return { id, roomId, seq, ...(wantsMessage && { message: messageOf(row) }) };
}

function messageOf({ commandId: _id, code: _code, fresh: _fresh, ...message }: CommittedRow): Message {
  return message;
}
