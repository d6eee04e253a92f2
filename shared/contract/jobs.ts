import type { Command, CommandName, Role } from './commands.ts';
import type { ErrorCode } from './errors.ts';
import { newId } from './ids.ts';
import type { OtpPurpose } from './otps.ts';

/** BullMQ's queues, one for each kind of worker. */
export const QUEUES = ['persistence', 'otp-email', 'role-changes'] as const;
export type QueueName = (typeof QUEUES)[number];

/** A job that is a batch, and the queue it goes to. */
export const batchQueues = {
  'apply-room-commands': 'persistence',
  'apply-account-commands': 'persistence',
  'apply-role-changes': 'role-changes',
} as const satisfies Record<string, QueueName>;
export type BatchName = keyof typeof batchQueues;

/** One job: commands of one lane in their order. */
export interface Batch<C> {
  /** The gateway that waits for the outcomes. */
  gateway: string;
  /** Which of that gateway's lanes sent it, and its number there: a batch that is sent again keeps it. */
  lane: number;
  number: number;
  commands: C[];
}

interface Applicable {
  /** UUID of the message (or account) that it makes; outcomes are matched by it. */
  id: string;
  /** RFC 3339, by the clock of the database; past it the command is refused as `expired`. */
  deadline: string;
}

/** A {@link Command} as it travels to a worker: its actor known, its unused fields gone. */
export interface RoomCommand extends Applicable {
  command: CommandName;
  actorId: string;
  ref: string;
  roomId: string;
  targetId: string;
  text: string;
  roomType?: string;
}

interface Person {
  firstName: string;
  lastName: string;
  email: string;
  phone?: string | undefined;
  /** Whether a one-time password has shown that the e-mail is his. */
  proven: boolean;
}

/** A new account; its id is the command's. The password was hashed before: no job ever holds one. */
interface Register extends Person {
  command: 'Register';
  passwordHash: string;
}

interface UpdateUser extends Person {
  command: 'UpdateUser';
  userId: string;
}

/** The same password under newer parameters. */
interface RehashPassword {
  command: 'RehashPassword';
  userId: string;
  formerHash: string;
  passwordHash: string;
}

/** Ends one token, which would end by itself at `expires` (RFC 3339). */
interface Logout {
  command: 'Logout';
  userId: string;
  tokenId: string;
  expires: string;
}

/** Ends all tokens of a user. */
interface LogoutAll {
  command: 'LogoutAll';
  userId: string;
}

/** As the user asks for it, who has to be an admin. */
interface ChangeRole {
  command: 'ChangeRole';
  userId: string;
  targetId: string;
  role: Role;
  granted: boolean;
}

/** What is asked of an account. */
export type AccountChange = Register | UpdateUser | RehashPassword | Logout | LogoutAll | ChangeRole;
export type AccountCommand = AccountChange & Applicable;

/** The otp-email worker's one kind of job: to mail a one-time password. It draws the code itself; no job holds one. */
export interface OtpRequest {
  email: string;
  /** Undefined where the worker has to see: `login` if there is such an account, else `register`. */
  purpose?: OtpPurpose | undefined;
  /** Who wants to have this e-mail; for `update` alone. */
  userId?: string | undefined;
}

export interface Rejected {
  code: ErrorCode;
}

/** What became of a room command. */
export type RoomOutcome = { id: string; roomId: string; seq: number } | Rejected;

/** What became of an account command: its id, or why not. */
export type AccountOutcome = { id: string } | Rejected;

/** A client's command, ready for a lane. @param deadline by the clock of the database */
export function toRoomCommand(command: Command, actorId: string, deadline: Date): RoomCommand {
  const id = newId();
  const sent = { id, actorId, ref: command.ref ?? id, deadline: deadline.toISOString(), command: command.command };
  return { ...sent, ...subjectOf(command) };
}

/** What a command is about; where it needs no target of its own, that is its room. */
function subjectOf(command: Command): Pick<RoomCommand, 'roomId' | 'targetId' | 'text' | 'roomType'> {
  switch (command.command) {
    case 'CreateMessage':
    case 'UpdateRoom':
      return { roomId: command.roomId, targetId: command.roomId, text: command.text };
    case 'UpdateMessage':
      return { roomId: command.roomId, targetId: command.targetId, text: command.text };
    case 'DeleteMessage':
    case 'AddUser':
    case 'RemoveUser':
      return { roomId: command.roomId, targetId: command.targetId, text: '' };
    case 'DeleteRoom':
      return { roomId: command.roomId, targetId: command.roomId, text: '' };
    case 'CreateRoom': {
      const roomId = newId();
      return { roomId, targetId: roomId, text: command.text, roomType: command.roomType };
    }
  }
}
