import { EMPTY_ROOM, type RoomState } from '../../shared/client/fold.ts';
import type { Message } from '../../shared/contract/messages.ts';

// A model of one room: what happened, and what a reader of the history and of the log gets.

interface Action {
  kind: number;
  /** Which message or which user the action is about. */
  pick: number;
}

const ROOM = 'the room';
const users = ['ann', 'bob', 'cid'];

/** @returns the messages as they are sent live: the room is created, then the actions follow */
export function logOf(actions: Action[]): Message[] {
  const log = [messageOf(1, 'CreateRoom', ROOM, 'Room created', 'name 1')];
  for (const { kind, pick } of actions) {
    const message = nextMessage(log, kind, pick);
    if (message) log.push(message);
    if (message?.command === 'DeleteRoom') break;
  }
  return log;
}

function nextMessage(log: Message[], kind: number, pick: number): Message | undefined {
  const seq = log.length + 1;
  const targets = log.filter((each) => each.command === 'CreateMessage' && !isDeleted(log, each));
  const target = targets[pick % targets.length]?.id;
  const user = users[pick % users.length] as string;
  if (kind <= 2) return messageOf(seq, 'CreateMessage', ROOM, `text ${seq}`);
  if (kind === 3) return target ? messageOf(seq, 'UpdateMessage', target, `edit ${seq}`) : undefined;
  if (kind === 4) return target ? messageOf(seq, 'DeleteMessage', target, '') : undefined;
  if (kind === 5) return messageOf(seq, 'UpdateRoom', ROOM, 'Room updated', `name ${seq}`);
  if (kind === 6) return messageOf(seq, membersOf(log).includes(user) ? 'RemoveUser' : 'AddUser', user, user);
  return pick === 0 ? messageOf(seq, 'DeleteRoom', ROOM, 'Room deleted') : undefined;
}

/** @returns the log as it is read later: with the newest texts */
export function rowsOf(log: Message[]): Message[] {
  return log.map((message) => {
    const change = lastChange(log, message.id);
    if (message.command === 'CreateMessage' && change)
      return { ...message, text: change.text, updatedAt: change.createdAt };
    const isOld = message.command === 'UpdateMessage' && lastChange(log, message.targetId) !== message;
    return isOld ? { ...message, text: '' } : message;
  });
}

/** @returns what `GET /api/messages/:id` and `GET /api/rooms/:id` return */
export function readState(log: Message[]): RoomState {
  if (log.length === 0) return EMPTY_ROOM;
  const messages = log
    .filter(({ command }) => !['UpdateMessage', 'DeleteMessage', 'DeleteRoom'].includes(command))
    .map((message) => {
      const change = lastChange(log, message.id);
      if (!change) return message;
      return {
        ...message,
        command: change.command,
        targetId: message.id,
        text: change.text,
        updatedAt: change.createdAt,
      };
    });
  const isDeleted = log.at(-1)?.command === 'DeleteRoom';
  const name = log.findLast((each) => each.name)?.name ?? undefined;
  return { seq: log.length, name, messages, memberIds: isDeleted ? [] : membersOf(log), isDeleted };
}

const lastChange = (log: Message[], id: string) =>
  log.findLast((each) => /^(Update|Delete)Message$/.test(each.command) && each.targetId === id);

const isDeleted = (log: Message[], { id }: Message) => lastChange(log, id)?.command === 'DeleteMessage';

function membersOf(log: Message[]): string[] {
  const members: string[] = [];
  for (const { command, userId, targetId } of log) {
    if (command === 'CreateRoom') members.push(userId);
    if (command === 'AddUser') members.push(targetId);
    if (command === 'RemoveUser') members.splice(members.indexOf(targetId), 1);
  }
  return members;
}

function messageOf(seq: number, command: Message['command'], targetId: string, text: string, name?: string): Message {
  const createdAt = new Date(seq * 1_000).toISOString();
  const id = `message ${seq}`;
  const basics = { id, seq, roomId: ROOM, userId: 'owner', command, targetId, text, createdAt, updatedAt: createdAt };
  return { ...basics, ref: `ref ${seq}`, ...(name && { name }) };
}
