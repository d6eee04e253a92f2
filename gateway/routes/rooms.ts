import * as v from 'valibot';
import { AddUser, CreateRoom, RemoveUser, RoomName, RoomType } from '../../shared/commands.ts';
import { Refusal } from '../../shared/errors.ts';
import type { Gateway } from '../gateway.ts';
import type { Handler } from '../http.ts';
import { validate } from '../validate.ts';
import { created, submitOverHttp } from './commands.ts';

const NewRoom = v.strictObject({ name: RoomName, roomType: v.optional(RoomType) });

/** `GET /api/rooms`: the rooms that the user may see. */
export const listRooms =
  ({ reads, tokens }: Gateway): Handler =>
  async ({ headers }) => ({ status: 200, body: await reads.rooms(await tokens.verify(headers.get('authorization'))) });

/** `POST /api/rooms` */
export const createRoom =
  (gateway: Gateway): Handler =>
  async (request) => {
    await gateway.tokens.verify(request.headers.get('authorization'));
    const { name, roomType } = await request.body(NewRoom);
    const command = validate(CreateRoom, { command: 'CreateRoom', text: name, roomType });
    const { roomId, userId } = await submitOverHttp(gateway, request, command);
    const room = await gateway.reads.room(roomId, userId);
    if (!room) throw new Refusal('no_such_room'); // deleted again meanwhile
    return { status: 201, body: room };
  };

/** `POST /api/rooms/:room_id/users/:user_id` */
export const addUser =
  (gateway: Gateway): Handler =>
  async (request) => {
    const [roomId, targetId] = request.parameters;
    const command = validate(AddUser, { command: 'AddUser', roomId, targetId });
    return created(await submitOverHttp(gateway, request, command));
  };

/** `DELETE /api/rooms/:room_id/users/:user_id` */
export const removeUser =
  (gateway: Gateway): Handler =>
  async (request) => {
    const [roomId, targetId] = request.parameters;
    const command = validate(RemoveUser, { command: 'RemoveUser', roomId, targetId });
    return { ...created(await submitOverHttp(gateway, request, command)), status: 200 };
  };
