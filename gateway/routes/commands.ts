import type { Command } from '../../shared/commands.ts';
import { Ref } from '../../shared/commands.ts';
import { Refusal } from '../../shared/errors.ts';
import { encodeMessage, type Message } from '../../shared/messages.ts';
import type { Gateway } from '../gateway.ts';
import type { Request } from '../http.ts';
import { validate } from '../validate.ts';

/**
 * Does over HTTP what the same command does over a socket. The header `Idempotency-Key` is its ref.
 * @returns the message that records it
 * @throws Refusal with the code of its outcome
 */
export async function submitOverHttp(gateway: Gateway, request: Request, command: Command): Promise<Message> {
  const userId = await gateway.tokens.verify(request.headers.get('authorization'));
  const key = request.headers.get('idempotency-key');
  const ref = key === undefined ? undefined : validate(Ref, key);
  const outcome = await gateway.commands.submit({ ...command, ref }, userId);
  if ('code' in outcome) throw new Refusal(outcome.code);
  const message = await gateway.reads.message(outcome.roomId, outcome.seq);
  if (!message) throw new Error(`message ${outcome.seq} of room ${outcome.roomId} is committed but not to be read`);
  return message;
}

/** An answer of 201 with the message that a command made. */
export const created = (message: Message) => ({ status: 201, body: encodeMessage(message) });
