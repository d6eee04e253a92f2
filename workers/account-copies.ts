import type { Redis } from 'ioredis';
import type { Batch } from '../shared/contract/jobs.ts';
import {
  type AccountCommandsContext,
  type AppliedAccountCommands,
  applyAccountCommands,
  refuseAccountCommands,
} from './apply-account-commands.ts';
import { takeTurn } from './exclusive-turn.ts';

/** After the death of the first worker and of this number of workers with a copy, the batch is refused. */
const MAX_DEADLY_COPIES = 2;
/** Longer than a lane sends copies of a batch. */
const COUNT_EXPIRES_AFTER_MS = 60_000;

export interface AccountCopiesContext extends AccountCommandsContext {
  /** A Redis connection of the kind `producer` (shared/redis.ts). */
  redis: Redis;
  /** `REDIS_PREFIX` */
  prefix: string;
  /** `ALLOWED_USERS_ONLY` */
  allowListOnly: boolean;
}

/**
 * Applies a batch of account commands. Counts in Redis the workers that begin with a copy of it. A worker that lives takes
 * itself off, so the count shows how many have died. So a command ends at most three workers: then its whole batch is
 * refused as `internal`. These batches are small, so they are not divided into parts (careful-batch.ts).
 * @returns undefined if another worker has a copy now, and will reply
 * @throws Error as applyAccountCommands
 */
export async function applyAccountBatch(
  context: AccountCopiesContext,
  laneKey: string,
  batch: Batch<unknown>,
): Promise<AppliedAccountCommands | undefined> {
  const { redis, prefix, log, allowListOnly } = context;
  if (!batch.copy) return applyAccountCommands(context, laneKey, batch, allowListOnly);
  const count = `${prefix}:copies:${laneKey}:${batch.number}`;
  const endTurn = await takeTurn(redis, `${count}:turn`);
  if (!endTurn) return undefined;
  try {
    const begun = await redis.incr(count);
    await redis.pexpire(count, COUNT_EXPIRES_AFTER_MS);
    if (begun <= MAX_DEADLY_COPIES) return await applyAccountCommands(context, laneKey, batch, allowListOnly);
    log.error({ laneKey, number: batch.number }, 'account commands ended three workers and are refused');
    return await refuseAccountCommands(context, laneKey, batch);
  } finally {
    // An error is no danger: this process lives.
    await redis.decr(count);
    await endTurn();
  }
}
