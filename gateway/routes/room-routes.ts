import * as v from 'valibot';
import { AddUser, CreateRoom, DeleteRoom, RemoveUser, UpdateRoom } from '../../shared/contract/commands.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import { RoomName, RoomType } from '../../shared/contract/fields.ts';
import { Id } from '../../shared/contract/ids.ts';
import { encodeMessage } from '../../shared/contract/messages.ts';
import { validate } from '../edge/validate.ts';
import type { Gateway } from '../gateway.ts';
import type { Response } from '../http/http.ts';
import type { StoredRoom } from '../reads/room-reads.ts';
import { authenticated } from './authenticated.ts';
import { Page } from './paging.ts';
import { submitOverHttp } from './submit.ts';

const NewRoom = v.strictObject({ name: RoomName, roomType: v.optional(RoomType) });
const NewName = v.strictObject({ name: RoomName });

/** `GET /api/rooms?page=1&size=100`: the rooms that the user may see, his own first. */
export const listRooms = (gateway: Gateway) =>
  authenticated(gateway, async ({ query }, userId) => {
    const { page, size } = validate(Page, Object.fromEntries(query));
    return { status: 200, body: await withPresence(gateway, await gateway.reads.rooms(userId, page, size)) };
  });

/** `GET /api/rooms/:id` */
export const getRoom = (gateway: Gateway) =>
  authenticated(gateway, ({ parameters: [id] }, userId) => answerRoom(gateway, 200, validate(Id, id), userId));

/** `POST /api/rooms` */
export const createRoom = (gateway: Gateway) =>
  authenticated(gateway, async (request, userId) => {
    const { name, roomType } = await request.body(NewRoom);
    const command = validate(CreateRoom, { command: 'CreateRoom', text: name, roomType });
    const { roomId } = await submitOverHttp(gateway, request, userId, command);
    return answerRoom(gateway, 201, roomId, userId);
  });

/** `PUT /api/rooms/:id`: another name. */
export const updateRoom = (gateway: Gateway) =>
  authenticated(gateway, async (request, userId) => {
    const { name } = await request.body(NewName);
    const command = validate(UpdateRoom, { command: 'UpdateRoom', roomId: request.parameters[0], text: name });
    const { roomId } = await submitOverHttp(gateway, request, userId, command);
    return answerRoom(gateway, 200, roomId, userId);
  });

/** `DELETE /api/rooms/:id` */
export const deleteRoom = (gateway: Gateway) =>
  authenticated(gateway, async (request, userId) => {
    const command = validate(DeleteRoom, { command: 'DeleteRoom', roomId: request.parameters[0] });
    await submitOverHttp(gateway, request, userId, command);
    return { status: 200, body: { message: 'room deleted' } };
  });

/** `POST /api/rooms/:room_id/users/:user_id`: answers the message that records it. */
export const addUser = (gateway: Gateway) =>
  authenticated(gateway, async (request, userId) => {
    const [roomId, targetId] = request.parameters;
    const command = validate(AddUser, { command: 'AddUser', roomId, targetId });
    return { status: 201, body: encodeMessage(await submitOverHttp(gateway, request, userId, command)) };
  });

/** `DELETE /api/rooms/:room_id/users/:user_id`: answers the message that records it. */
export const removeUser = (gateway: Gateway) =>
  authenticated(gateway, async (request, userId) => {
    const [roomId, targetId] = request.parameters;
    const command = validate(RemoveUser, { command: 'RemoveUser', roomId, targetId });
    return { status: 200, body: encodeMessage(await submitOverHttp(gateway, request, userId, command)) };
  });

async function answerRoom(gateway: Gateway, status: number, roomId: string, userId: string): Promise<Response> {
  const room = await gateway.reads.room(roomId, userId);
  if (!room) throw new Refusal('no_such_room');
  const [body] = await withPresence(gateway, [room]);
  return { status, body };
}

async function withPresence({ live }: Gateway, rooms: StoredRoom[]) {
  const ids = new Set(rooms.flatMap(({ users }) => users.map(({ id }) => id)));
  const online = await live.whoIsOnline([...ids]);
  return rooms.map((room) => ({
    ...room,
    users: room.users.map((user) => ({ ...user, isOnline: online.has(user.id) })),
  }));
}
