import * as v from 'valibot';
import { type CommandName, commandNames, Ref } from './commands.ts';
import { Seq, Timestamp } from './fields.ts';
import { AnyId, Id } from './ids.ts';

/** A row of the table `messages`: a text that a user wrote, or another event in a room. */
export const Message = v.object({
  id: Id,
  seq: Seq,
  roomId: AnyId,
  userId: Id,
  command: v.picklist(commandNames),
  targetId: AnyId,
  text: v.string(),
  /** The name of the room, if this message records that the room was created or renamed. */
  name: v.nullish(v.string()),
  /** The ids of the members that the text mentions. */
  mentions: v.nullish(v.array(Id)),
  createdAt: Timestamp,
  updatedAt: Timestamp,
  ref: Ref,
});
export type Message = v.InferOutput<typeof Message>;

/**
 * Encodes a message for sockets, HTTP answers and channels. The bytes are the same for all of them. A field without a
 * value is left out.
 */
export function encodeMessage(message: Message): string {
  const { id, seq, roomId, userId, command, targetId, text, createdAt, updatedAt, ref } = message;
  const name = message.name ?? undefined;
  const mentions = message.mentions ?? undefined;
  return JSON.stringify({
    id,
    seq,
    roomId,
    userId,
    command,
    targetId,
    text,
    name,
    mentions,
    createdAt,
    updatedAt,
    ref,
  });
}

const CHANGE_OF_MESSAGE =
  /^\{"id":"[^"]+","seq":\d+,"roomId":"[^"]+","userId":"[^"]+","command":"(?:Update|Delete)Message"/;

/** True if the encoded message edits or deletes another message. It reads the order of the fields of {@link encodeMessage}. */
export function isChangeOfMessage(record: string): boolean {
  return CHANGE_OF_MESSAGE.test(record);
}

/** The message `seq` makes a user a member of its room, or ends the membership of the user. */
export const MembershipChange = v.object({
  seq: Seq,
  /** `everyone` means all members of the room. */
  userId: v.union([v.literal('everyone'), Id]),
  isMember: v.boolean(),
});
export type MembershipChange = v.InferOutput<typeof MembershipChange>;

const membershipChanges: Record<CommandName, ((message: Message) => Omit<MembershipChange, 'seq'>) | undefined> = {
  CreateMessage: undefined,
  UpdateMessage: undefined,
  DeleteMessage: undefined,
  AddUser: ({ targetId }) => ({ userId: targetId, isMember: true }),
  RemoveUser: ({ targetId }) => ({ userId: targetId, isMember: false }),
  CreateRoom: ({ userId }) => ({ userId, isMember: true }),
  UpdateRoom: undefined,
  DeleteRoom: () => ({ userId: 'everyone', isMember: false }),
};

export function membershipChange(message: Message): MembershipChange | undefined {
  const change = membershipChanges[message.command]?.(message);
  return change && { seq: message.seq, ...change };
}
