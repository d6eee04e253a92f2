import { Refusal } from '../../shared/contract/errors.ts';
import { encodeMessage, type Message } from '../../shared/contract/messages.ts';
import type { HistoryPage, IdParameter, NewText } from '../../shared/contract/requests.ts';
import type { Gateway } from '../gateway.ts';
import type { UserRequest } from '../http/route.ts';
import { submitCommand } from './submit.ts';

interface History extends UserRequest {
  parameters: IdParameter;
  query: HistoryPage;
}

/** Returns a page of a room's history, with the newest message first. */
export async function listMessages({ reads }: Gateway, { parameters, query, userId }: History): Promise<string> {
  if (!(await reads.isVisible(parameters.id, userId))) throw new Refusal('no_such_room');
  const messages = await reads.history(parameters.id, query);
  return `[${messages.map(encodeMessage).join()}]`;
}

interface WithText extends UserRequest {
  parameters: IdParameter;
  body: NewText;
}

export async function createMessage(gateway: Gateway, request: WithText): Promise<string> {
  const { parameters, body } = request;
  const command = { command: 'CreateMessage', roomId: parameters.id, text: body.text } as const;
  return encodeMessage(await submitCommand(gateway, request, command));
}

/** Returns the message with its new text. */
export async function updateMessage(gateway: Gateway, request: WithText): Promise<string> {
  const { id, roomId, ...original } = await findMessage(gateway, request);
  const command = { command: 'UpdateMessage', roomId, targetId: id, text: request.body.text } as const;
  const { text, createdAt } = await submitCommand(gateway, request, command);
  return encodeMessage({ id, roomId, ...original, text, updatedAt: createdAt });
}

interface OfMessage extends UserRequest {
  parameters: IdParameter;
}

/** Returns the message with an empty text. The message keeps its place in the history. */
export async function deleteMessage(gateway: Gateway, request: OfMessage): Promise<string> {
  const { id, roomId, ...original } = await findMessage(gateway, request);
  const command = { command: 'DeleteMessage', roomId, targetId: id } as const;
  const { createdAt } = await submitCommand(gateway, request, command);
  return encodeMessage({ id, roomId, ...original, text: '', updatedAt: createdAt });
}

/** @throws Refusal `no_such_message`, also if the user is not allowed to see the room of the message */
async function findMessage({ reads }: Gateway, { parameters, userId }: OfMessage): Promise<Message> {
  const message = await reads.messageById(parameters.id, userId);
  if (!message) throw new Refusal('no_such_message');
  return message;
}
