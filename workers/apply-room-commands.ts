import type postgres from 'postgres';
import { columnsOf } from '../shared/columns.ts';
import { isErrorCode } from '../shared/contract/errors.ts';
import type { Batch, RoomCommand, RoomOutcome } from '../shared/contract/jobs.ts';
import { Message } from '../shared/contract/messages.ts';
import type { Database } from '../shared/database.ts';
import type { Log } from '../shared/log.ts';
import { applyBatch } from './apply-batch.ts';
import { createMessages } from './create-messages.ts';
import type { DatabaseTime } from './database-time.ts';
import type { LockedRows } from './locked-rows.ts';

export interface AppliedRoomCommands {
  /** In the order of the commands. */
  outcomes: RoomOutcome[];
  /** The messages that this batch stored. Those of one room are in the order of their seqs. */
  newMessages: Message[];
  /** The messages of commands that had been applied before. A crash may have prevented their publication. */
  earlierMessages: Message[];
}

export interface RoomCommandsContext {
  database: Database;
  databaseTime: Pick<DatabaseTime, 'sentAt'>;
  lockedRows: LockedRows;
  log: Log;
}

interface RefusedRow {
  commandId: string;
  code: string;
}

/** The id of a command, and the columns of the message that records the command. */
interface CommittedRow extends Message {
  commandId: string;
  code: null;
  /** False if the command had been applied before. */
  isNew: boolean;
}

/** The SQL type `room_outcome`, but each column of its message is a column of the row. */
type Row = RefusedRow | CommittedRow;

const messageColumns = columnsOf(Message);

/**
 * Applies a batch with one statement. A batch that `createMessages` cannot apply needs a second statement.
 * @param laneKey names the lane (the ordered outbox of a gateway) that sent the batch
 * @throws Error if Postgres does not answer. Also the errors of applyBatch.
 */
export async function applyRoomCommands(
  context: RoomCommandsContext,
  laneKey: string,
  batch: Batch<RoomCommand>,
): Promise<AppliedRoomCommands> {
  const { database, databaseTime, lockedRows, log } = context;
  const { commands, follows } = batch;
  const send = async (oneByOne: boolean, rowWaitMs: number): Promise<Row[]> => {
    const suspects = await lockedRows.suspectsOf(database, commands);
    const isSimple = !oneByOne && suspects.length === 0;
    const limits = { sentAt: databaseTime.sentAt(), rowWaitMs };
    const messages = isSimple ? await createMessages(database, laneKey, batch, limits) : undefined;
    if (messages) return messages.map((message) => ({ ...message, commandId: message.id, code: null, isNew: true }));
    return applyAnyCommands(context, laneKey, batch, { suspects, oneByOne, rowWaitMs });
  };
  const findLocks = () => lockedRows.find(database, commands);
  const rows = await applyBatch({ commands: commands.length, follows: follows !== undefined, send, findLocks, log });
  return toApplied(commands, rows);
}

/**
 * Refuses a command as `internal`. A command that was applied or refused before gets its first outcome. The text of the
 * command is not sent, because it may be what ends the process that reads it.
 */
export async function refuseRoomCommand(
  { database, databaseTime, log }: RoomCommandsContext,
  command: RoomCommand,
): Promise<AppliedRoomCommands> {
  const { text: _, ...rest } = command;
  const batch = database.json([rest] as unknown as postgres.JSONValue);
  const send = (): Promise<Row[]> => database<Row[]>`
    select command_id, code, is_new, ${database(messageColumns)}
    from refuse_command(${batch}, ${databaseTime.sentAt()}), lateral (select (message).*) columns`;
  return toApplied([command], await applyBatch({ commands: 1, follows: false, send, log }));
}

function toApplied(commands: RoomCommand[], rows: Row[]): AppliedRoomCommands {
  const committed = rows.filter((row) => row.code === null);
  const byCommand = new Map(rows.map((row) => [row.commandId, row]));
  return {
    outcomes: commands.map((command) => outcomeOf(command, byCommand.get(command.id))),
    newMessages: committed.filter(({ isNew }) => isNew),
    earlierMessages: committed.filter(({ isNew }) => !isNew),
  };
}

function applyAnyCommands(
  { database, databaseTime }: RoomCommandsContext,
  laneKey: string,
  { number, follows, commands }: Batch<RoomCommand>,
  { suspects, oneByOne, rowWaitMs }: { suspects: string[]; oneByOne: boolean; rowWaitMs: number },
): Promise<Row[]> {
  const batch = database.json(commands as unknown as postgres.JSONValue);
  return database<Row[]>`
    select command_id, code, is_new, ${database(messageColumns)}
    from apply_room_commands(
      ${laneKey}, ${number}, ${follows ?? null}, ${batch}, ${databaseTime.sentAt()}, ${`{${suspects.join()}}`}, ${oneByOne},
      ${rowWaitMs}
    ),
      lateral (select (message).*) columns`;
}

function outcomeOf({ wantsMessage }: RoomCommand, row: Row | undefined): RoomOutcome {
  if (!row) return { code: 'internal' };
  if (row.code !== null) return { code: isErrorCode(row.code) ? row.code : 'internal' };
  const { id, roomId, seq } = row;
  return { id, roomId, seq, ...(wantsMessage && { message: messageOf(row) }) };
}

function messageOf({ commandId: _id, code: _code, isNew: _isNew, ...message }: CommittedRow): Message {
  return message;
}
