import * as v from 'valibot';
import { MessageText, RoomName, RoomType } from './fields.ts';
import { Id, MessageId, RoomId, UserId } from './ids.ts';

/** A UUID that the client chooses for a command. It is the idempotency key, and the answer repeats it. */
export const Ref = Id;

/** A field that the command does not use. Clients of the Go server that Rooms replaces send it, with any text. */
const Unused = v.optional(v.string());

const CreateMessage = v.object({
  command: v.literal('CreateMessage'),
  roomId: RoomId,
  targetId: Unused,
  text: MessageText,
  ref: v.optional(Ref),
});

const UpdateMessage = v.object({
  command: v.literal('UpdateMessage'),
  roomId: RoomId,
  targetId: MessageId,
  text: MessageText,
  ref: v.optional(Ref),
});

const DeleteMessage = v.object({
  command: v.literal('DeleteMessage'),
  roomId: RoomId,
  targetId: MessageId,
  text: Unused,
  ref: v.optional(Ref),
});

const AddUser = v.object({ ...DeleteMessage.entries, command: v.literal('AddUser'), targetId: UserId });

const RemoveUser = v.object({ ...AddUser.entries, command: v.literal('RemoveUser') });

const CreateRoom = v.object({
  command: v.literal('CreateRoom'),
  roomId: Unused,
  targetId: Unused,
  text: RoomName,
  roomType: v.optional(RoomType, 'Private'),
  ref: v.optional(Ref),
});

const UpdateRoom = v.object({
  command: v.literal('UpdateRoom'),
  roomId: RoomId,
  targetId: Unused,
  text: RoomName,
  ref: v.optional(Ref),
});

const DeleteRoom = v.object({ ...UpdateRoom.entries, command: v.literal('DeleteRoom'), text: Unused });

/**
 * What a client asks for in a room, with a frame on a socket or with a request over HTTP. Unknown fields are dropped:
 * clients of the Go server that Rooms replaces send fields of their own.
 */
export const Command = v.variant('command', [
  CreateMessage,
  UpdateMessage,
  DeleteMessage,
  AddUser,
  RemoveUser,
  CreateRoom,
  UpdateRoom,
  DeleteRoom,
]);
export type Command = v.InferOutput<typeof Command>;
export type CommandName = Command['command'];

export const commandNames: CommandName[] = Command.options.map(({ entries }) => entries.command.literal);
