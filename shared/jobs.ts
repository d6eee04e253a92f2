import type { Command, CommandName } from './commands.ts';
import type { ErrorCode } from './errors.ts';
import { newId } from './ids.ts';

/** BullMQ's queue of what the persistence workers write. */
export const PERSISTENCE = 'persistence';

/** The jobs of the queue; each is a batch and is applied by the SQL function of the same name. */
export type JobName = 'apply-room-commands' | 'apply-account-commands';

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

/** A new account. The password was hashed before: no job ever holds one. */
export interface Register extends Applicable {
  command: 'Register';
  firstName: string;
  lastName: string;
  email: string;
  passwordHash: string;
}

export type AccountCommand = Register;

export interface Rejected {
  code: ErrorCode;
}

/** What became of a room command. */
export type RoomOutcome = { id: string; roomId: string; seq: number } | Rejected;

/** What became of an account command: the id of the account, or why not. */
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
