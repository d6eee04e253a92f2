import { Refusal } from '../../shared/contract/errors.ts';
import { limits } from '../../shared/contract/limits.ts';
import { encodeMessage } from '../../shared/contract/messages.ts';
import type { ReadCounts } from '../../shared/contract/read-marks.ts';
import type {
  ListPage,
  MemberParameters,
  NewReadMark,
  NewRoom,
  RoomParameter,
  RoomUpdate,
} from '../../shared/contract/requests.ts';
import { hasMoved } from '../commands/read-marks.ts';
import type { GatewayContext } from '../edge/gateway-context.ts';
import type { CommandRequest, UserRequest } from '../http/route.ts';
import { pageOf } from './page-of.ts';
import { encodeRoom, encodeRooms } from './records.ts';
import { readChanged, submitCommand } from './submit.ts';

/** Returns the rooms that the user may see. The rooms of which the user is a member come first. */
export async function listRooms(
  gateway: GatewayContext,
  { query, userId }: UserRequest & { query: ListPage },
): Promise<string> {
  const { page, size } = pageOf(query, limits.MAX_LISTED_ROOMS);
  return encodeRooms(gateway, userId, () => gateway.reads.rooms(userId, page, size));
}

export function getRoom(
  gateway: GatewayContext,
  { parameters, userId }: UserRequest & { parameters: RoomParameter },
): Promise<string> {
  return encodeRoom(gateway, parameters.id, userId);
}

export async function createRoom(
  gateway: GatewayContext,
  request: CommandRequest & { body: NewRoom },
): Promise<string> {
  const { name: text, roomType = 'Private' } = request.body;
  const { roomId } = await submitCommand(gateway, request, { command: 'CreateRoom', text, roomType });
  return readChangedRoom(gateway, roomId, request.userId);
}

interface OfRoom extends CommandRequest {
  parameters: RoomParameter;
}

export async function updateRoom(gateway: GatewayContext, request: OfRoom & { body: RoomUpdate }): Promise<string> {
  const { parameters, body } = request;
  const command = { command: 'UpdateRoom', roomId: parameters.id, text: body.name } as const;
  const { roomId } = await submitCommand(gateway, request, command);
  return readChangedRoom(gateway, roomId, request.userId);
}

export async function deleteRoom(gateway: GatewayContext, request: OfRoom): Promise<{ message: string }> {
  await submitCommand(gateway, request, { command: 'DeleteRoom', roomId: request.parameters.id });
  return { message: 'room deleted' };
}

/** Stores how far the user has read the room. Returns what is stored: a mark never moves back. */
export async function markRead(
  { dispatcher }: GatewayContext,
  { userId, parameters, body }: UserRequest & { parameters: RoomParameter; body: NewReadMark },
): Promise<ReadCounts> {
  const outcome = await dispatcher.markRead({ userId, roomId: parameters.id, ...body });
  if ('code' in outcome) throw new Refusal(outcome.code);
  if (!hasMoved(body, outcome)) throw new Refusal('busy');
  return outcome;
}

interface OfMember extends CommandRequest {
  parameters: MemberParameters;
}

/** Returns the `AddUser` message of the room. */
export function addUser(gateway: GatewayContext, request: OfMember): Promise<string> {
  return changeMember(gateway, request, 'AddUser');
}

/** Returns the `RemoveUser` message of the room. */
export function removeUser(gateway: GatewayContext, request: OfMember): Promise<string> {
  return changeMember(gateway, request, 'RemoveUser');
}

async function changeMember(
  gateway: GatewayContext,
  request: OfMember,
  command: 'AddUser' | 'RemoveUser',
): Promise<string> {
  const { room_id: roomId, user_id: targetId } = request.parameters;
  return encodeMessage(await submitCommand(gateway, request, { command, roomId, targetId }));
}

function readChangedRoom(gateway: GatewayContext, roomId: string, userId: string): Promise<string> {
  return readChanged(encodeRoom(gateway, roomId, userId, true));
}
