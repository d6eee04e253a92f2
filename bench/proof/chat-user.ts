import type { Account } from '../accounts.ts';
import type { SentCommand } from './history.ts';

/** A user of a run, whatever its client is. */
export interface ChatUser {
  readonly account: Account;
  /** The newest own messages that can be edited: ids with their rooms. */
  readonly ownMessages: { id: string; roomId: string }[];
  /** True if the user can send: the socket has its Welcome, and its gateway does not stop. */
  readonly isAttached: boolean;
  /** True if the user gets each new message at once: nothing that was missed comes before it. */
  readonly isLive: boolean;
  /** The number of the connection. It stays until the next one is made. */
  readonly connection: number;
  readonly openCommands: number;
  /** True if the user has this message of the room, and all before it. */
  has(roomId: string, seq: number): boolean;
  /** Sends a new command. Call it only if the user is attached. */
  send(command: Omit<SentCommand, 'ref'>): void;
  /** If the socket stays open, sends each command again that had no outcome for too long. Call it now and then. */
  sendSilentAgain(): void;
  /** Stops reading from the socket, as a client with a dead network does. */
  pauseReading(): void;
  resumeReading(): void;
  stop(): void;
}
