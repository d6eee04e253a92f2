import type { Message } from './protocol.ts';

/** A room as a reader sees it: what `GET /api/messages/:id` and `GET /api/rooms/:id` return, up to the message `seq`. */
export interface RoomState {
  /** Every message up to this one is in the state. */
  seq: number;
  name: string | undefined;
  /** The history, oldest first. An edited message has the command `UpdateMessage`, a deleted one `DeleteMessage`. */
  messages: readonly Message[];
  memberIds: readonly string[];
  isDeleted: boolean;
}

export const EMPTY_ROOM: RoomState = { seq: 0, name: undefined, messages: [], memberIds: [], isDeleted: false };

/** Adds one message of the stream to the state. A message that is in the state already changes nothing. */
export function fold(state: RoomState, message: Message): RoomState {
  if (message.seq <= state.seq) return state;
  return { ...state, ...changes[message.command](state, message), seq: message.seq };
}

type Change = (state: RoomState, message: Message) => Partial<RoomState>;

const append: Change = ({ messages }, message) => ({ messages: [...messages, asInHistory(message)] });

const changes: Record<Message['command'], Change> = {
  CreateMessage: append,
  // The text is empty if the message was changed again. Then a later message has the change.
  UpdateMessage: (state, message) => (message.text === '' ? {} : replaceTarget(state, message)),
  DeleteMessage: (state, message) => replaceTarget(state, message),
  CreateRoom: (state, message) => ({
    ...append(state, message),
    ...{ name: message.name ?? state.name, memberIds: withId(state.memberIds, message.userId) },
  }),
  UpdateRoom: (state, message) => ({ ...append(state, message), name: message.name ?? state.name }),
  DeleteRoom: () => ({ isDeleted: true, memberIds: [] }),
  AddUser: (state, message) => ({
    ...append(state, message),
    memberIds: withId(state.memberIds, message.targetId),
  }),
  RemoveUser: (state, message) => ({
    ...append(state, message),
    memberIds: state.memberIds.filter((id) => id !== message.targetId),
  }),
};

/** A message of the stream has its newest text, but the command of its first one. A history has the newest command. */
function asInHistory(message: Message): Message {
  if (message.command !== 'CreateMessage' || message.updatedAt === message.createdAt) return message;
  const command = message.text === '' ? 'DeleteMessage' : 'UpdateMessage';
  return { ...message, command, targetId: message.id };
}

/** Changes the message that was edited or deleted, if it is in the window. */
function replaceTarget(
  { messages }: RoomState,
  { command, targetId, text, mentions, createdAt }: Message,
): Partial<RoomState> {
  const index = messages.findLastIndex(({ id }) => id === targetId);
  const target = messages[index];
  if (!target) return {};
  return { messages: messages.with(index, { ...target, command, targetId, text, mentions, updatedAt: createdAt }) };
}

const withId = (ids: readonly string[], id: string) => (ids.includes(id) ? ids : [...ids, id]);
