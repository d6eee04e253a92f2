import type { Transition } from './connection.ts';
import type { SocketClass } from './gateway-socket.ts';
import type { HttpOptions } from './http.ts';
import type { KnownRoom } from './known-rooms.ts';
import type { Outcome, Pending } from './outbox.ts';
import type { Frame, Message } from './protocol.ts';
import type { Store } from './store.ts';

export interface ClientOptions extends HttpOptions {
  /** Keeps commands without an outcome over a reload. It belongs to one user. Default: a {@link MemoryStore}. */
  store?: Store | undefined;
  /** True if the client continues after a restart where the reader of `messages()` has stopped. For one client at a time. */
  keepPositions?: boolean | undefined;
  /** If more messages of a room were missed, the client gets `resync` for it instead. */
  most?: number | undefined;
  WebSocket?: SocketClass | undefined;
}

export interface ClientEvents {
  state: Transition;
  /** Each message of each room, once and in the order of the room. */
  message: Message;
  /** The messages of the room do not continue where they stopped: the next one is `seq + 1`. Load the history. */
  resync: { roomId: string; seq: number };
  /** The user is not a member of this room. No message of the room follows. */
  left: { roomId: string };
  /** A command waits for its outcome, also one from before a reload. */
  sending: Pending;
  /** The outcome of a command, also of one from before a reload. */
  outcome: Outcome;
  /** The rooms of the user or their names have changed. */
  rooms: ReadonlyMap<string, KnownRoom>;
  /** Each frame of the connection in use, as it came, also a copy. The parts of a `Welcome` are one frame. */
  frame: Frame;
  /** The store does not work. */
  error: unknown;
}
