import type { CommandName } from './commands.ts';

/** A row of `messages`: what was said, and every other thing that happened in a room. */
export interface Message {
  id: string;
  /** Its place in the room: 1..n, without a gap. */
  seq: number;
  roomId: string;
  userId: string;
  command: CommandName;
  targetId: string;
  text: string;
  createdAt: Date;
  updatedAt: Date;
  ref: string;
}

/** A message changed who is in its room. */
export interface MembershipChange {
  seq: number;
  /** `everyone` who is in the room. */
  userId: string | 'everyone';
  member: boolean;
}

const membership: Record<CommandName, ((message: Message) => Omit<MembershipChange, 'seq'>) | undefined> = {
  CreateMessage: undefined,
  CreateRoom: ({ userId }) => ({ userId, member: true }),
  AddUser: ({ targetId }) => ({ userId: targetId, member: true }),
  RemoveUser: ({ targetId }) => ({ userId: targetId, member: false }),
  UpdateMessage: undefined,
  DeleteMessage: undefined,
  UpdateRoom: undefined,
  DeleteRoom: () => ({ userId: 'everyone', member: false }),
};

export function membershipChange(message: Message): MembershipChange | undefined {
  const change = membership[message.command]?.(message);
  return change && { seq: message.seq, ...change };
}

/** The frame that every reader of a room gets, and every answer that shows a message: one encoding for all. */
export function encodeMessage(message: Message): string {
  const { id, seq, roomId, userId, command, targetId, text, createdAt, updatedAt, ref } = message;
  return JSON.stringify({ id, seq, roomId, userId, command, targetId, text, createdAt, updatedAt, ref });
}
