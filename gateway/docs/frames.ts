import type { CommandName } from '../../shared/contract/commands.ts';
import type { closeCodes } from '../../shared/contract/errors.ts';
import type { GatewayFrameName, OtherFrameName } from '../../shared/contract/frame-lists.ts';
import { exampleIds, exampleMessage } from './examples.ts';

/** What the document of the socket says about a frame, in addition to its schema. */
export interface FrameTexts {
  summary: string;
  /** The example of docs/protocol.md. A test sends each example of a client to a gateway. */
  example: object;
  /** The meaning of the fields, as far as {@link commonFields} does not have them. */
  fields?: Record<string, string>;
}

const { ann, bob, room, message } = exampleIds;
const epoch = 'fcb7d163-7ee0-4444-ac96-7db23f0631cd';
const { ref } = exampleMessage;

/** The meaning of fields that is the same in all frames. */
export const commonFields: Record<string, string> = {
  command: 'The kind of the frame.',
  roomId: 'The room.',
  seq: 'The number of the message in its room: 1, 2, 3 and so on.',
  ref: 'The UUID that the client chose for the command.',
  epoch: 'The id of the database. Seqs of another epoch mean nothing.',
};

/** The meaning of a field that a command has and does not use. */
export const UNUSED = 'Not used. Clients of the original Go server send it, with any text.';

const UUID = 'a UUID. Upper case is accepted too, and Rooms sends lower case.';
const UUID_OF_ROOM = 'a UUID, `general` or `announcements`. Upper case is accepted too, and Rooms sends lower case.';

/** The kinds of ids. */
export const idTexts: Record<string, string> = {
  Id: `It is ${UUID}`,
  RoomId: `The id of a room: ${UUID_OF_ROOM}`,
  UserId: `The id of a user: ${UUID}`,
  MessageId: `The id of a message: ${UUID}`,
  AnyId: `The id of a room, a user or a message: ${UUID_OF_ROOM}`,
};

const ofMember = { targetId: 'The user.' };

/** The frames that a client sends. */
export const clientFrames: Record<CommandName | OtherFrameName, FrameTexts> = {
  CreateMessage: {
    summary: 'Write a message to a room.',
    example: { command: 'CreateMessage', roomId: room, text: 'Hello World!', ref },
    fields: { text: 'What the user writes.' },
  },
  UpdateMessage: {
    summary: 'Edit a message.',
    example: { command: 'UpdateMessage', roomId: room, targetId: message, text: 'Goodbye World!' },
    fields: { targetId: 'The message.', text: 'The new text.' },
  },
  DeleteMessage: {
    summary: 'Delete a message. It keeps its seq, and its text is erased.',
    example: { command: 'DeleteMessage', roomId: room, targetId: message },
    fields: { targetId: 'The message.' },
  },
  CreateRoom: {
    summary: 'Create a room. The user becomes its owner and first member.',
    example: { command: 'CreateRoom', text: 'Tea room', roomType: 'Public' },
    fields: { text: 'The name of the room.', roomType: 'Who finds the room, and who writes in it.', roomId: UNUSED },
  },
  UpdateRoom: {
    summary: 'Rename a room.',
    example: { command: 'UpdateRoom', roomId: room, text: 'Coffee room' },
    fields: { text: 'The new name.' },
  },
  DeleteRoom: { summary: 'Delete a room.', example: { command: 'DeleteRoom', roomId: room } },
  AddUser: {
    summary: 'Add a user to a room, or join it.',
    example: { command: 'AddUser', roomId: room, targetId: bob },
    fields: ofMember,
  },
  RemoveUser: {
    summary: 'Remove a member from a room, or leave it.',
    example: { command: 'RemoveUser', roomId: room, targetId: bob },
    fields: ofMember,
  },
  Resume: {
    summary: 'Ask for everything after the positions of the client. Only on a socket with `?resume=true`.',
    example: { command: 'Resume', epoch, rooms: { general: 40, [room]: 1617 }, most: 1000 },
    fields: {
      epoch: 'The `epoch` of the last `Welcome`. Leave it out if there are no positions.',
      rooms: 'For each room, the seq of the last message that the client has.',
      most: 'If more messages of a room are missing, `Resync` comes instead.',
      more: 'True if another `Resume` with more rooms follows.',
    },
  },
  MarkRead: {
    summary: 'The user has read the room up to a message.',
    example: { command: 'MarkRead', roomId: room, seq: 1610 },
  },
  Watch: {
    summary: 'Which rooms the user looks at now. The list replaces the one before.',
    example: { command: 'Watch', rooms: [room] },
    fields: { rooms: 'The rooms. An empty list ends it.' },
  },
  Typing: {
    summary: 'The user types in a room. Send it every three seconds.',
    example: { command: 'Typing', roomId: room },
  },
};

/** The frames that a gateway sends. */
export const gatewayTexts: Record<GatewayFrameName, FrameTexts> = {
  Welcome: {
    summary: 'The first frame of a `rooms.v1` socket: the user and their rooms.',
    example: { command: 'Welcome', user: { id: bob }, rooms: [{ id: room, seq: 2 }], epoch },
    fields: {
      user: 'The user of the socket.',
      'user.id': 'The id of the user.',
      rooms: 'The rooms of the user. Their later messages come on this socket.',
      'rooms.id': 'The room.',
      'rooms.seq': 'The seq of its last message.',
      'rooms.name': 'Its name. This field and the next ones are only for a socket that resumes.',
      'rooms.roomType': 'Who finds the room, and who writes in it.',
      'rooms.since': 'The seq of the message that made the user a member. 0 in a standing room.',
      'rooms.read': 'The user has read the messages up to this one.',
      'rooms.unread': 'The messages after `read`, up to `seq`, that the history shows.',
      'rooms.mentions': 'How many of the unread messages mention the user.',
      more: 'True if another `Welcome` with more rooms follows.',
    },
  },
  Ack: {
    summary: 'A command of this client is committed as a message.',
    example: { command: 'Ack', ref, id: message, roomId: room, seq: 3 },
    fields: { id: 'The id of the message.' },
  },
  Error: {
    summary: 'A command is refused, or the socket is closed next.',
    example: {
      ...{ command: 'Error', error: 'text: at most 500 characters', code: 'too_long', retry: 'no' },
      ...{ field: 'text', bound: 500, ref },
    },
    fields: {
      error: 'For people. It may change.',
      code: 'For programs. It never changes.',
      retry: 'Whether to send the command again, and with which `ref`.',
      field: 'The field of the input that is wrong.',
      bound: 'The limit that the field breaks.',
      retryAfter: 'Seconds after which a retry may succeed.',
    },
  },
  GoingAway: {
    summary: 'This gateway stops. Move to another one.',
    example: { command: 'GoingAway', after: 3000 },
    fields: { after: 'Milliseconds after which the gateway refuses new commands.' },
  },
  Resumed: {
    summary: 'Everything that the client missed is sent, and every room is live.',
    example: { command: 'Resumed' },
  },
  Resync: {
    summary: 'The missing messages of a room are not sent. Load its history.',
    example: { command: 'Resync', roomId: room, seq: 1618 },
    fields: { seq: 'The next message of the room is this seq + 1.' },
  },
  Left: {
    summary: 'The user is not a member of a room. No message of it follows.',
    example: { command: 'Left', roomId: room },
  },
  Heads: {
    summary: 'The last messages that were sent to this socket. A higher seq than the own one: a message was lost.',
    example: { command: 'Heads', rooms: { [room]: 1618 } },
    fields: { rooms: 'For some rooms or all, the seq of the last message that was sent.' },
  },
  Read: {
    summary: 'The user has marked a room as read, on any device.',
    example: { command: 'Read', roomId: room, seq: 1610, head: 1618, unread: 7, mentions: 1 },
    fields: {
      seq: 'The user has read the messages up to this one.',
      head: 'The last message that is counted.',
      unread: 'The messages after `seq`, up to `head`, that the history shows.',
      mentions: 'How many of these messages mention the user.',
    },
  },
  Presence: {
    summary: 'Who is online in a watched room.',
    example: { command: 'Presence', roomId: room, online: 2, users: [bob, ann] },
    fields: {
      online: 'The number of members who are online.',
      users: 'Members who are online: all, or a sample. The list replaces the one before.',
      came: 'Members who came since the last frame.',
      went: 'Members who went since the last frame.',
    },
  },
  Typing: {
    summary: 'These users type now in a watched room.',
    example: { command: 'Typing', roomId: room, users: [ann] },
    fields: { users: 'At most 10 users.' },
  },
  message: {
    summary: 'What happened in a room. Every member gets the same bytes.',
    example: exampleMessage,
    fields: {
      id: 'The id of the message.',
      userId: 'The user who sent the command.',
      command: 'The command that made the message.',
      targetId: 'The changed message, the added or removed user, or the room.',
      text: 'What the user wrote. Of another event, a text for people.',
      name: 'The name of the room, if this message says that the room was created or renamed.',
      mentions: 'The ids of the members that the text mentions.',
      createdAt: 'When the message was committed, in UTC.',
      updatedAt: 'When its last change was committed, in UTC.',
      ref: 'The `ref` of the command. Without one, the `id`.',
    },
  },
};

/** What a client does after the socket was closed with this code. */
export const closeActions: Record<keyof typeof closeCodes, string> = {
  going_away: 'Reconnect now: this gateway stops. See GoingAway.',
  reload: 'Reconnect now, and load everything again: drop the messages and seqs that you have.',
  unavailable: 'Reconnect after one to five seconds. The reason is an error code.',
  too_many:
    'Reconnect after the `retryAfter` seconds of the `Error` frame before the close. The reason is `rate_limited` or `too_many_sockets`.',
  protocol: 'Correct the client: it breaks this protocol. The reason is `resume_missing`.',
  unauthorized:
    'Log in, then reconnect. The reason is `no_token`, `bad_token`, `token_expired`, `token_revoked`, `bad_ticket` or `query_token_off`.',
};
