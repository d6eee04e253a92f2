import * as v from 'valibot';
import { Id } from './ids.ts';

/** UTF-8 and jsonb know neither lone surrogates nor the character U+0000. */
export const WellFormed = v.pipe(
  v.string(),
  v.check((text) => text.isWellFormed() && !text.includes('\0'), 'must be well-formed Unicode'),
);

/** Text of so many characters; a character is a Unicode code point, as Postgres counts. */
const characters = (least: number, most: number) => v.pipe(WellFormed, v.minCodePoints(least), v.maxCodePoints(most));

/** Of a name, what stands around it does not count. */
const Name = v.pipe(v.string(), v.trim(), characters(3, 50));
export const PersonName = Name;
export const RoomName = Name;
export const MessageText = characters(1, 500);
/** Argon2 reads all of a password; the upper bound keeps its input small. */
export const Password = characters(8, 200);
export const Email = v.pipe(WellFormed, v.maxLength(254), v.rfcEmail());
/** Digits with what people put between them. */
export const Phone = v.pipe(characters(8, 10), v.regex(/^[+\d][\d .()/-]*$/));
export const Role = v.picklist(['user', 'admin']);
export type Role = v.InferOutput<typeof Role>;
export const RoomType = v.picklist(['Private', 'Public', 'ReadOnly']);
export type RoomType = v.InferOutput<typeof RoomType>;

/** The client's own UUID for a command: echoed, and the key of its idempotency. */
export const Ref = Id;

/** The seed's clients fill every field of a frame, the unused ones with anything. */
const Unused = v.optional(v.string());

export const CreateMessage = v.strictObject({
  command: v.literal('CreateMessage'),
  roomId: Id,
  targetId: Unused,
  text: MessageText,
  ref: v.optional(Ref),
});

export const AddUser = v.strictObject({
  command: v.literal('AddUser'),
  roomId: Id,
  targetId: Id,
  text: Unused,
  ref: v.optional(Ref),
});

export const RemoveUser = v.strictObject({ ...AddUser.entries, command: v.literal('RemoveUser') });

export const CreateRoom = v.strictObject({
  command: v.literal('CreateRoom'),
  roomId: Unused,
  targetId: Unused,
  text: RoomName,
  roomType: v.optional(RoomType, 'Private'),
  ref: v.optional(Ref),
});

export const UpdateMessage = v.strictObject({
  command: v.literal('UpdateMessage'),
  roomId: Id,
  targetId: Id,
  text: MessageText,
  ref: v.optional(Ref),
});

export const DeleteMessage = v.strictObject({ ...AddUser.entries, command: v.literal('DeleteMessage') });

export const UpdateRoom = v.strictObject({
  command: v.literal('UpdateRoom'),
  roomId: Id,
  targetId: Unused,
  text: RoomName,
  ref: v.optional(Ref),
});

export const DeleteRoom = v.strictObject({ ...UpdateRoom.entries, command: v.literal('DeleteRoom'), text: Unused });

/** What a client asks of a room, over a socket as this frame or over HTTP as a route. */
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
