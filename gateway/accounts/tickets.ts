import { createHash, randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { Refusal } from '../../shared/contract/errors.ts';
import { orUnavailable } from '../edge/unavailable.ts';
import type { Bearer } from './tokens.ts';

/** Milliseconds. */
const GOOD_FOR = 30_000;

/** One-time tickets for sockets of browsers, which can show nothing but a URL: good once, and soon for nothing. */
export interface Tickets {
  /** @throws Refusal `unavailable` */
  issue(bearer: Bearer): Promise<string>;
  /** @returns who got it. @throws Refusal `bad_ticket` or `unavailable` */
  redeem(ticket: string): Promise<Bearer>;
}

/** @param prefix `REDIS_PREFIX` */
export function createTickets(redis: Redis, prefix: string): Tickets {
  // Whoever reads Redis finds no ticket that he could use.
  const keyOf = (ticket: string) => `${prefix}:ticket:${createHash('sha256').update(ticket).digest('base64url')}`;
  return {
    async issue(bearer) {
      const ticket = randomBytes(32).toString('base64url');
      await orUnavailable(redis.set(keyOf(ticket), JSON.stringify(bearer), 'PX', GOOD_FOR));
      return ticket;
    },

    async redeem(ticket) {
      const bearer = await orUnavailable(redis.getdel(keyOf(ticket)));
      if (bearer === null) throw new Refusal('bad_ticket');
      return JSON.parse(bearer) as Bearer;
    },
  };
}
