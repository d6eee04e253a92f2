import type { AccountChange } from '../../shared/contract/account-commands.ts';
import type { Command } from '../../shared/contract/commands.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import type { Message } from '../../shared/contract/messages.ts';
import { newExpiry } from '../commands/dispatcher.ts';
import type { GatewayContext } from '../edge/gateway-context.ts';
import type { CommandRequest } from '../http/route.ts';

/**
 * Submits a room command. The commands of sockets take the same way.
 * @returns the message that the command made
 * @throws Refusal with the error code of the outcome
 */
export async function submitCommand(
  { dispatcher, userRates }: GatewayContext,
  { userId, ref, rate }: CommandRequest,
  command: Command,
): Promise<Message> {
  const expiresAtMs = newExpiry();
  await userRates.countCommand(userId, command.command, rate);
  const outcome = await dispatcher.submit({ ...command, ref }, userId, { wantsMessage: true, expiresAtMs });
  if ('code' in outcome) throw new Refusal(outcome.code);
  // The command is committed, but its message is missing. The client can get the message with the same ref again.
  if (!outcome.message) throw new Refusal('unknown_outcome', { cause: new Error('the outcome has no message') });
  return outcome.message;
}

/**
 * Submits a change of an account. Some changes count against the rate of their user (edge/user-rates.ts).
 * @returns the id of the change. If the change made an account, this is also the id of the account.
 * @throws Refusal with the error code of the outcome, or `rate_limited`
 */
export async function submitAccountChange(
  { dispatcher, userRates }: GatewayContext,
  change: AccountChange,
): Promise<string> {
  const expiresAtMs = newExpiry();
  if (change.command === 'UpdateUser' || change.command === 'ChangeRole') {
    await userRates.countCommand(change.userId, change.command);
  }
  const outcome = await dispatcher.changeAccount(change, expiresAtMs);
  if ('code' in outcome) throw new Refusal(outcome.code);
  return outcome.id;
}

/**
 * Waits for a read of what a command has changed.
 * @throws Refusal `unknown_outcome` if the read is refused as `busy` or `unavailable`: these codes say that the command
 *   was not done
 */
export async function readChanged<T>(read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof Refusal && error.status === 503) throw new Refusal('unknown_outcome', { cause: error });
    throw error;
  }
}
