import { Refusal } from '../../shared/contract/errors.ts';
import { encodeMessage, type Message } from '../../shared/contract/messages.ts';
import type {
  EventsPage,
  HistoryPage,
  MessageParameter,
  NewText,
  RoomParameter,
} from '../../shared/contract/requests.ts';
import { ROOMS_SEQ } from '../edge/cors.ts';
import type { GatewayContext } from '../edge/gateway-context.ts';
import { BodyWithHeaders, type CommandRequest, type UserRequest } from '../http/route.ts';
import type { RoomOfBearer } from '../reads/bearer-rooms.ts';
import { submitCommand } from './submit.ts';

interface History extends UserRequest {
  parameters: RoomParameter;
  query: HistoryPage;
}

/** Returns a page of a room's history, with the newest message first. */
export async function listMessages(
  { reads, turns }: GatewayContext,
  { bearer, userId, parameters, query }: History,
): Promise<BodyWithHeaders> {
  const request = { bearer, roomId: parameters.id, range: query };
  const { messages, ...room } = await turns.histories.run(userId, () => reads.history(request));
  return new BodyWithHeaders(messages, `${ROOMS_SEQ}: ${checkedHead(room)}`);
}

interface EventsRequest extends UserRequest {
  parameters: RoomParameter;
  query: EventsPage;
}

/** Returns all messages of a room after a seq, in the order of seq. */
export async function listEvents(
  { reads, turns }: GatewayContext,
  { bearer, userId, parameters, query }: EventsRequest,
): Promise<Buffer> {
  const request = { bearer, roomId: parameters.id, ...query };
  const { answer, ...room } = await turns.histories.run(userId, () => reads.events(request));
  checkedHead(room);
  return answer;
}

/** @throws Refusal `token_revoked` or `no_such_room` */
function checkedHead({ isTokenValid, head }: RoomOfBearer): number {
  if (!isTokenValid) throw new Refusal('token_revoked');
  if (head === undefined) throw new Refusal('no_such_room');
  return head;
}

interface ToRoom extends CommandRequest {
  parameters: RoomParameter;
  body: NewText;
}

export async function createMessage(gateway: GatewayContext, request: ToRoom): Promise<string> {
  const { parameters, body } = request;
  const command = { command: 'CreateMessage', roomId: parameters.id, text: body.text } as const;
  return encodeMessage(await submitCommand(gateway, request, command));
}

interface OfMessage extends CommandRequest {
  parameters: MessageParameter;
}

/** Returns the message with its new text. */
export async function updateMessage(gateway: GatewayContext, request: OfMessage & { body: NewText }): Promise<string> {
  const message = await findMessage(gateway, request);
  const { id: targetId, roomId } = message;
  const command = { command: 'UpdateMessage', roomId, targetId, text: request.body.text } as const;
  return encodeMessage(applyChange(message, await submitCommand(gateway, request, command)));
}

/** Returns the message with an empty text. The message keeps its place in the history. */
export async function deleteMessage(gateway: GatewayContext, request: OfMessage): Promise<string> {
  const message = await findMessage(gateway, request);
  const { id: targetId, roomId } = message;
  const change = await submitCommand(gateway, request, { command: 'DeleteMessage', roomId, targetId });
  return encodeMessage(applyChange(message, change));
}

/**
 * Builds the changed message, as a history shows it, without another read. The change of a repeated `Idempotency-Key`
 * can be older than the message that was read: then the message already contains the change, and perhaps later changes.
 */
function applyChange(message: Message, { command, targetId, text, mentions, createdAt }: Message): Message {
  return createdAt < message.updatedAt
    ? message
    : { ...message, command, targetId, text, mentions, updatedAt: createdAt };
}

/** @throws Refusal `no_such_message`, also if the user is not allowed to see the room of the message */
async function findMessage({ reads }: GatewayContext, { parameters, userId }: OfMessage): Promise<Message> {
  const message = await reads.messageById(parameters.id, userId);
  if (!message) throw new Refusal('no_such_message');
  return message;
}
