import type { CommandName } from '../../contract/commands.ts';
import { newId } from '../../contract/ids.ts';
import type { Message } from '../../contract/messages.ts';
import type { KitRoom } from './room.ts';

/** The fields of a command that its message depends on. */
export interface CommandContent {
  command: CommandName;
  targetId?: string | undefined;
  text?: string | undefined;
  ref?: string | undefined;
}

interface Origin {
  room: KitRoom;
  userId: string;
  /** The first name of the user who is added or removed. */
  targetName: string;
}

/** Makes the message of a command. */
export function rowOf(command: CommandContent, { room, userId, targetName }: Origin): Message {
  const id = newId();
  const createdAt = newTime();
  const hasOwnTarget = command.targetId && command.command !== 'CreateMessage';
  return {
    ...{ id, seq: room.rows.length + 1, roomId: room.id, userId, command: command.command },
    targetId: hasOwnTarget && command.targetId ? command.targetId : room.id,
    text: textOf(command, targetName),
    ...(/^(Create|Update)Room$/.test(command.command) && { name: room.name }),
    ...{ createdAt, updatedAt: createdAt, ref: command.ref ?? id },
  };
}

/**
 * Returns the message in its current state, as a replay has it.
 * @param end the last seq of a membership that has ended. A text that was edited later is empty.
 */
export function currentRow({ rows }: KitRoom, row: Message, end = Number.POSITIVE_INFINITY): Message {
  const targetId = row.command === 'UpdateMessage' ? row.targetId : row.id;
  const lastChange = rows.findLast((each) => isChange(each) && each.targetId === targetId);
  if (!lastChange || lastChange === row) return row;
  if (row.command === 'UpdateMessage') return { ...row, text: '' };
  const isReadable = lastChange.command === 'UpdateMessage' && lastChange.seq <= end;
  return { ...row, text: isReadable ? lastChange.text : '', updatedAt: lastChange.createdAt };
}

/** Returns the messages that people read, as a history has them: the newest first. */
export function historyOf(room: KitRoom): Message[] {
  const shown = room.rows.filter((row) => !isChange(row) && row.command !== 'DeleteRoom');
  return shown.map((row) => inHistory(room, row)).toReversed();
}

let lastMs = 0;

/** Returns the time of now. It is later than each time before, so a changed message shows that it was changed. */
function newTime(): string {
  lastMs = Math.max(Date.now(), lastMs + 1);
  return new Date(lastMs).toISOString();
}

function inHistory(room: KitRoom, row: Message): Message {
  const lastChange = room.rows.findLast((each) => isChange(each) && each.targetId === row.id);
  if (!lastChange) return row;
  return { ...currentRow(room, row), command: lastChange.command, targetId: row.id };
}

function isChange({ command }: Message): boolean {
  return command === 'UpdateMessage' || command === 'DeleteMessage';
}

function textOf({ command, text = '' }: CommandContent, targetName: string): string {
  const fixed: Partial<Record<CommandName, string>> = {
    CreateRoom: 'Room created',
    UpdateRoom: 'Room updated',
    DeleteRoom: 'Room deleted',
    AddUser: `${targetName} joined the room`,
    RemoveUser: `${targetName} left the room`,
    DeleteMessage: '',
  };
  return fixed[command] ?? text;
}
