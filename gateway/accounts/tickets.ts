import { createHash, randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { Refusal } from '../../shared/contract/errors.ts';
import { decodeVersioned, encodeVersioned } from '../../shared/contract/versions.ts';
import type { PayloadReader } from '../../shared/payloads.ts';
import { orUnavailable } from '../edge/unavailable.ts';
import { Bearer } from './tokens.ts';

const TICKET_LIFETIME_MS = 30_000;

/** Tickets to open a socket. A browser needs a ticket in the URL, because it cannot send a token in a header. */
export interface Tickets {
  /** Makes a ticket that works once, within 30 seconds. @throws Refusal `unavailable` */
  issue(bearer: Bearer): Promise<string>;
  /** Uses up a ticket. @returns the bearer of the ticket. @throws Refusal `bad_ticket` or `unavailable` */
  redeem(ticket: string): Promise<Bearer>;
}

/** @param prefix `REDIS_PREFIX` */
export function createTickets(redis: Redis, prefix: string, payloads: PayloadReader): Tickets {
  // Redis contains only hashes of tickets, so nobody can read a valid ticket from Redis.
  const keyOf = (ticket: string) => `${prefix}:ticket:${createHash('sha256').update(ticket).digest('base64url')}`;
  return {
    async issue(bearer) {
      const ticket = randomBytes(32).toString('base64url');
      await orUnavailable(redis.set(keyOf(ticket), encodeVersioned(bearer), 'PX', TICKET_LIFETIME_MS));
      return ticket;
    },

    async redeem(ticket) {
      const stored = await orUnavailable(redis.getdel(keyOf(ticket)));
      if (stored === null) throw new Refusal('bad_ticket');
      const bearer = payloads.read('ticket', stored, (text) => decodeVersioned(Bearer, text));
      if (!bearer) throw new Refusal('bad_ticket');
      return bearer;
    },
  };
}
