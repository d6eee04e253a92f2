import type { Command } from '../../shared/contract/commands.ts';
import { newId } from '../../shared/contract/ids.ts';
import type { RoomCommand } from '../../shared/contract/jobs.ts';

/** Makes the command for the workers from the command of a client. @param deadline by the clock of the database */
export function toRoomCommand(command: Command, actorId: string, deadline: string): RoomCommand {
  const id = newId();
  return {
    id,
    actorId,
    ref: command.ref ?? id,
    deadline,
    command: command.command,
    ...usedFields(command),
  };
}

/** Returns the fields that the command uses. If the command has no target, the room is the target. */
function usedFields(command: Command): Pick<RoomCommand, 'roomId' | 'targetId' | 'text' | 'roomType'> {
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
    case 'CreateRoom':
      return { text: command.text, roomType: command.roomType };
  }
}
