import type { Redis } from 'ioredis';

/** A turn whose process hangs ends after this time. */
const TURN_MS = 3_000;
const RENEW_EVERY_MS = 1_000;

/** Gives the key to a new owner, if it still belongs to the given one. */
const TAKE_OVER = `
  if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
  redis.call('set', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return 1`;

/**
 * Lets one process at a time do something. The owner of the turn is a connection to Redis, so the turn of a killed process
 * is free at once.
 * @param key the key in Redis that names the turn
 * @returns a function that ends the turn, or undefined if another process has it
 */
export async function takeTurn(redis: Redis, key: string): Promise<(() => Promise<void>) | undefined> {
  const owner = String(await redis.client('ID'));
  if (!(await take(redis, key, owner))) return undefined;
  const timer = setInterval(() => void redis.pexpire(key, TURN_MS).catch(() => undefined), RENEW_EVERY_MS).unref();
  return async () => {
    clearInterval(timer);
    await redis.del(key);
  };
}

/** @returns true if this connection now owns the turn */
async function take(redis: Redis, key: string, owner: string): Promise<boolean> {
  if (await redis.set(key, owner, 'PX', TURN_MS, 'NX')) return true;
  const formerOwner = await redis.get(key);
  if (formerOwner === null) return false; // It has just ended. The lane sends another copy.
  const connection = await redis.client('LIST', 'ID', formerOwner);
  if (String(connection).includes(`id=${formerOwner} `)) return false;
  return (await redis.eval(TAKE_OVER, 1, key, formerOwner, owner, TURN_MS)) === 1;
}
