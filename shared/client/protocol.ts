// The frames and records of Rooms, as the client uses them. They are plain types, because the published client must not
// need the schemas of shared/contract at run time. protocol.test.ts proves that the types are equal.

export type RoomType = 'Private' | 'Public' | 'ReadOnly';

/** Everything that happens in a room is one message. `seq` counts the messages of the room: 1, 2, 3 and so on. */
export interface Message {
  id: string;
  seq: number;
  roomId: string;
  userId: string;
  command: CommandName;
  targetId: string;
  text: string;
  name?: string | null | undefined;
  /** The ids of the members that the text mentions. */
  mentions?: string[] | null | undefined;
  createdAt: string;
  updatedAt: string;
  ref: string;
}

/** What a client asks for. The client adds the `ref`. */
export type Command =
  | { command: 'CreateMessage'; roomId: string; text: string }
  | { command: 'UpdateMessage'; roomId: string; targetId: string; text: string }
  | { command: 'DeleteMessage'; roomId: string; targetId: string }
  | { command: 'AddUser' | 'RemoveUser'; roomId: string; targetId: string }
  | { command: 'CreateRoom'; text: string; roomType?: RoomType }
  | { command: 'UpdateRoom'; roomId: string; text: string }
  | { command: 'DeleteRoom'; roomId: string };
type CommandName = Command['command'];

/** A command is committed as the message `seq` of the room. `id` is the id of that message. */
export interface Ack {
  command: 'Ack';
  ref?: string | undefined;
  id: string;
  roomId: string;
  seq: number;
}

/** `no`: final. `same_ref`: send the same again. `new_ref`: only with a new ref. `after_login`: first get a new token. */
export type Retry = 'no' | 'same_ref' | 'new_ref' | 'after_login';

export interface ErrorFrame {
  command: 'Error';
  error: string;
  code: string;
  retry?: Retry | undefined;
  field?: string | undefined;
  bound?: number | undefined;
  /** Seconds. */
  retryAfter?: number | undefined;
  ref?: string | undefined;
}

export interface WelcomeRoom {
  id: string;
  seq: number;
  name?: string | undefined;
  roomType?: RoomType | undefined;
  /** The seq of the message that made the user a member. 0 in a standing room. */
  since?: number | undefined;
  /** The user has read the messages up to this one. */
  read?: number | undefined;
  /** The messages after `read`, up to `seq`, that the history shows. */
  unread?: number | undefined;
  /** How many of the unread messages mention the user. */
  mentions?: number | undefined;
}

export interface Welcome {
  command: 'Welcome';
  user: { id: string };
  rooms: WelcomeRoom[];
  epoch: string;
  more?: boolean | undefined;
}

export interface Resume {
  command: 'Resume';
  epoch?: string | undefined;
  rooms: Record<string, number>;
  most?: number | undefined;
  more?: boolean | undefined;
}

/** The user has read the room up to this message, on any device. */
export interface MarkRead {
  command: 'MarkRead';
  roomId: string;
  seq: number;
}

/** The rooms that the user looks at now. They replace those of the last `Watch`. */
export interface Watch {
  command: 'Watch';
  rooms: string[];
}

/** The user types in this room. */
export interface Typing {
  command: 'Typing';
  roomId: string;
}

/** The frames that a client sends itself. They have no `Ack`, and nothing sends them again. */
export type ClientFrame = MarkRead | Watch | Typing;

interface Resync {
  command: 'Resync';
  roomId: string;
  seq: number;
}

/** How far the user has read a room, on any device. The history shows `unread` messages after `seq`, up to `head`. */
export interface Read {
  command: 'Read';
  roomId: string;
  seq: number;
  head: number;
  unread: number;
  mentions: number;
}

/** Who is online in a watched room: a list that replaces the one before (`users`), or changes. */
export interface Presence {
  command: 'Presence';
  roomId: string;
  online: number;
  users?: string[] | undefined;
  came?: string[] | undefined;
  went?: string[] | undefined;
}

/** These users type now. */
export interface TypingUsers {
  command: 'Typing';
  roomId: string;
  users: string[];
}

/** Every frame that a gateway sends. */
export type Frame =
  | Message
  | Ack
  | ErrorFrame
  | Welcome
  | Resync
  | { command: 'Resumed' }
  | { command: 'Left'; roomId: string }
  | { command: 'Heads'; rooms: Record<string, number> }
  | { command: 'GoingAway'; after: number }
  | Read
  | Presence
  | TypingUsers;

/** A user in the record of a room. */
export interface Person {
  id: string;
  createdAt: string;
  updatedAt: string;
  firstName: string;
  lastName: string;
  email: string;
  roles: ('user' | 'admin')[];
  isOnline: boolean;
}

/** The subprotocol with `Welcome`, `Ack` and `Resume`. */
export const ROOMS_V1 = 'rooms.v1';
/** The gateway closes a socket that sends a larger frame. */
export const MAX_FRAME_BYTES = 16 * 1024;

/** Only messages have a time. */
export const isMessage = (frame: Frame): frame is Message => 'createdAt' in frame;
