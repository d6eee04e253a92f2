import type { Redis } from 'ioredis';
import type { Batch, RoomCommand, RoomOutcome } from '../shared/contract/jobs.ts';
import { isRefused } from '../shared/database.ts';
import { withTimeout } from '../shared/timeout.ts';
import {
  type AppliedRoomCommands,
  applyRoomCommands,
  type RoomCommandsContext,
  refuseRoomCommand,
} from './apply-room-commands.ts';
import { takeTurn } from './exclusive-turn.ts';
import { inTurn } from './in-turn.ts';

/**
 * A careful batch is applied in at most this number of parts. More parts would delay a batch whose worker was killed, and
 * after two seconds its lane refuses new commands. Fewer parts would have more commands, which may be applied one by one.
 */
const MAX_PARTS = 5;
/** Longer than a lane sends copies of a batch. */
const MARKS_EXPIRE_AFTER_MS = 60_000;
const ANSWER_TIMEOUT_MS = 8_000;
const MAX_ATTEMPTS = 4;

export interface CarefulContext extends RoomCommandsContext {
  /** A Redis connection of the kind `producer` (shared/redis.ts). */
  redis: Redis;
  /** `REDIS_PREFIX` */
  prefix: string;
}

/** Commands of a batch: from this index up to, and without, that index. */
interface Part {
  from: number;
  to: number;
}

/**
 * True if a copy of a batch is applied with care: nobody has applied the batch, although it was sent before. Perhaps one
 * of its commands ended the worker.
 * @throws Error if Postgres does not answer. Also errors for which `isEarly` or `isLaneAtWork` is true (in-turn.ts).
 */
export async function needsCare(
  { database }: RoomCommandsContext,
  laneKey: string,
  { number, follows, copy }: Batch<unknown>,
): Promise<boolean> {
  if (!copy) return false;
  const statement = () => database`select is_unapplied(${laneKey}, ${number}, ${follows ?? null}) as is_unapplied`;
  const [row] = await inTurn(() => untilAnswered(statement), follows !== undefined);
  return row?.isUnapplied === true;
}

/**
 * Applies a batch in parts, and writes a mark into Redis before each part. So if a command ends the worker, the next copy
 * of the batch finds the mark. It then applies the commands of this part one by one, and refuses a command that was alone
 * in its part. So one command ends at most three workers, and the other commands of its batch are applied.
 * The number of the batch is stored at the end. Until then, the parts have a lane of their own. A worker that wakes up with
 * the same batch finds the outcomes of the parts by their refs.
 * @param publishPart publishes the messages of a part
 * @returns the outcomes, in the order of the commands. Undefined if another worker does the same now, and will reply.
 * @throws Error as applyRoomCommands
 */
export async function applyCarefully(
  context: CarefulContext,
  laneKey: string,
  batch: Batch<RoomCommand>,
  publishPart: (applied: AppliedRoomCommands) => Promise<void>,
): Promise<RoomOutcome[] | undefined> {
  const { database, redis, prefix } = context;
  const marks = `${prefix}:careful:${laneKey}:${batch.number}`;
  const endTurn = await takeTurn(redis, `${marks}:turn`);
  if (!endTurn) return undefined;
  try {
    const outcomes = await applyParts(context, laneKey, batch, marks, publishPart);
    await untilAnswered(() => database`select end_parts(${laneKey}, ${batch.number}, ${laneOfParts(laneKey, batch)})`);
    await redis.del(marks);
    return outcomes;
  } finally {
    await endTurn();
  }
}

async function applyParts(
  context: CarefulContext,
  laneKey: string,
  batch: Batch<RoomCommand>,
  marks: string,
  publishPart: (applied: AppliedRoomCommands) => Promise<void>,
): Promise<RoomOutcome[]> {
  const { redis, log } = context;
  const { follows: _, commands, ...rest } = batch;
  /** The parts that a worker has begun and not ended. */
  const dangerous = new Set(Object.keys(await redis.hgetall(marks)));
  const outcomes: RoomOutcome[] = [];
  for (const part of partsOf(commands.length, dangerous)) {
    const mark = markOf(part);
    const [first, ...others] = commands.slice(part.from, part.to) as [RoomCommand, ...RoomCommand[]];
    if (dangerous.has(mark)) {
      log.error({ commandId: first.id, actorId: first.actorId }, 'a command ended two workers and is refused');
      const applied = await refuseRoomCommand(context, first);
      await publishPart(applied);
      outcomes.push(...applied.outcomes);
      continue;
    }
    await redis.multi().hset(marks, mark, '').pexpire(marks, MARKS_EXPIRE_AFTER_MS).exec();
    try {
      const partOfBatch = { ...rest, number: part.from, commands: [first, ...others] };
      const applied = await applyRoomCommands(context, laneOfParts(laneKey, batch), partOfBatch);
      await publishPart(applied);
      outcomes.push(...applied.outcomes);
    } finally {
      // An error is no danger: this process lives.
      await redis.hdel(marks, mark);
    }
  }
  return outcomes;
}

/** Sends a statement again if its connection was lost. */
async function untilAnswered<Row>(statement: () => PromiseLike<Row[]>): Promise<Row[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      const rows = await withTimeout(Promise.resolve(statement()), ANSWER_TIMEOUT_MS);
      // When a connection is lost, the driver sometimes returns an empty result instead of an error.
      if (rows.length === 0) throw new Error('postgres did not answer');
      return rows;
    } catch (error) {
      if (isRefused(error) || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/** The parts of one careful batch have the numbers 0 to n in this lane. */
const laneOfParts = (laneKey: string, { number }: Batch<unknown>) => `${laneKey}~${number}`;

const markOf = ({ from, to }: Part) => `${from}-${to}`;

/** A dangerous part is divided into its commands. The parts are the same in every copy of a batch. */
function partsOf(commands: number, dangerous: Set<string>): Part[] {
  const size = Math.ceil(commands / MAX_PARTS);
  const parts = divide({ from: 0, to: commands }, size);
  return parts.flatMap((part) => (dangerous.has(markOf(part)) ? divide(part, 1) : part));
}

function divide({ from, to }: Part, size: number): Part[] {
  return Array.from({ length: Math.ceil((to - from) / size) }, (_, index) => {
    const first = from + index * size;
    return { from: first, to: Math.min(first + size, to) };
  });
}
