import type { AccountChange } from '../../shared/contract/account-commands.ts';
import type { Command } from '../../shared/contract/commands.ts';
import { Ref } from '../../shared/contract/commands.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import type { Message } from '../../shared/contract/messages.ts';
import { validate } from '../edge/validate.ts';
import type { Gateway } from '../gateway.ts';
import type { Request } from '../http/http.ts';

/**
 * Does over HTTP what the same command does over a socket. The header `Idempotency-Key` is its ref.
 * @returns the message that records it
 * @throws Refusal with the code of its outcome
 */
export async function submitOverHttp(
  { commands, reads }: Gateway,
  { headers }: Request,
  userId: string,
  command: Command,
): Promise<Message> {
  const key = headers.get('idempotency-key');
  const ref = key === undefined ? undefined : validate(Ref, key);
  const outcome = await commands.submit({ ...command, ref }, userId);
  if ('code' in outcome) throw new Refusal(outcome.code);
  try {
    const message = await reads.message(outcome.roomId, outcome.seq);
    if (message) return message;
    throw new Error(`message ${outcome.seq} of room ${outcome.roomId} is not to be found`);
  } catch (error) {
    // It is committed; only what to answer is not to be had.
    throw new Refusal('unknown_outcome', { cause: error });
  }
}

/**
 * Changes an account.
 * @returns the id of the change, and of the account where it makes one
 * @throws Refusal with the code of its outcome
 */
export async function changeAccount({ commands }: Gateway, change: AccountChange): Promise<string> {
  const outcome = await commands.changeAccount(change);
  if ('code' in outcome) throw new Refusal(outcome.code);
  return outcome.id;
}
