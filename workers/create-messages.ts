import type { Batch, RoomCommand } from '../shared/contract/jobs.ts';
import type { Message } from '../shared/contract/messages.ts';
import type { Database } from '../shared/database.ts';

/** A CreateMessage: it always has a room. */
type MessageCommand = RoomCommand & { roomId: string };

/** The columns that `apply_create_messages` returns. */
interface Created {
  storedAt: string | null;
  /** An array of Postgres: `{4,17}`. */
  formerSeqs: string | null;
  /** By the id of the message. */
  mentions: Record<string, string[]> | null;
}

/** A room of a batch, and how many messages of the batch it gets. */
interface RoomOfBatch {
  roomId: string;
  number: number;
  count: number;
}

/** A command, its room, and its place among the messages of the batch in this room. The first place is 1. */
interface Placed {
  command: MessageCommand;
  room: RoomOfBatch;
  step: number;
}

/**
 * Applies a batch of only CreateMessage commands with one statement. It costs much less than `apply_room_commands`.
 * @param sentAt the time of the database, as the worker knows it (database-time.ts)
 * @param rowWaitMs how long to wait for a locked room. Null: for the lock_timeout of the connection
 * @returns the stored messages, in the order of the commands. Undefined if nothing was changed, because the batch needs
 *   `apply_room_commands`: it has another command, a copy, a repeated ref, an expired command or a refusal.
 * @throws Error if Postgres does not answer
 */
export async function createMessages(
  database: Database,
  laneKey: string,
  { number, follows, commands }: Batch<RoomCommand>,
  { sentAt, rowWaitMs }: { sentAt: string | null; rowWaitMs: number | null },
): Promise<Message[] | undefined> {
  if (!commands.every(isCreateMessage)) return undefined;
  const { rooms, placed } = placeInRooms(commands);
  const deadlines = commands.map(({ deadline }) => deadline).sort();
  const rows = await database<Created[]>`
    select stored_at, former_seqs, mentions from apply_create_messages(
      ${laneKey}, ${number}, ${follows ?? null}, ${deadlines[0] as string},
      ${array(rooms, ({ roomId }) => roomId)}, ${array(rooms, ({ count }) => count)},
      ${array(commands, ({ id }) => id)}, ${array(commands, ({ actorId }) => actorId)},
      ${array(commands, ({ ref }) => ref)}, ${array(placed, ({ room }) => room.number)},
      ${array(placed, ({ step }) => step)}, ${array(commands, ({ text }) => quoted(text))}, ${sentAt},
      ${rowWaitMs}, ${commands.some(({ text }) => text.includes('@'))}
    )`;
  // When a connection is lost, the driver sometimes returns an empty result instead of an error.
  if (rows.length !== 1) throw new Error(`${rows.length} rows for one statement`);
  const { storedAt, formerSeqs, mentions } = rows[0] as Created;
  if (storedAt === null || formerSeqs === null) return undefined;
  const seqs = formerSeqs.slice(1, -1).split(',').map(Number);
  return placed.map(({ command, room, step }) => ({
    ...toMessage(command, (seqs[room.number - 1] as number) + step, storedAt),
    mentions: mentions?.[command.id] ?? null,
  }));
}

function isCreateMessage(command: RoomCommand): command is MessageCommand {
  return command.command === 'CreateMessage';
}

function placeInRooms(commands: MessageCommand[]): { rooms: RoomOfBatch[]; placed: Placed[] } {
  const rooms = new Map<string, RoomOfBatch>();
  const placed = commands.map((command) => {
    const { roomId } = command;
    const room = rooms.get(roomId) ?? { roomId, number: rooms.size + 1, count: 0 };
    rooms.set(roomId, room);
    return { command, room, step: ++room.count };
  });
  return { rooms: [...rooms.values()], placed };
}

/** The row that `apply_create_messages` stores for a command. A test compares the two. */
function toMessage(
  { id, command, roomId, actorId, text, ref }: MessageCommand,
  seq: number,
  storedAt: string,
): Message {
  const times = { createdAt: storedAt, updatedAt: storedAt };
  return { id, seq, roomId, userId: actorId, command, targetId: roomId, text, name: null, ...times, ref };
}

/** An array in the form in which Postgres reads it. The driver cannot write arrays (shared/database.ts). */
function array<Item>(items: Item[], toElement: (item: Item) => string | number): string {
  return `{${items.map(toElement).join()}}`;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
