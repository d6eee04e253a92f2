import type { Child } from '../../shared/local/child.ts';
import type { Refs } from '../refs.ts';

/** A chat server that the load loop can drive. */
export interface Peer {
  /** Its name on the command line. */
  name: string;
  /** Its name in the report. */
  title: string;
  /** Whether the peer can run on this machine. Without this method, it can. */
  isInstalled?(binaries: string): Promise<boolean>;
  /** Installs what is missing. @returns false after a line that says why the peer cannot run */
  install?(binaries: string, print: (line: string) => void): Promise<boolean>;
  /** Starts the processes of the peer. Resolves when sockets can be opened. */
  start(setup: Setup): Promise<RunningPeer>;
}

/** What all runs of a comparison have in common. */
export interface Environment {
  databaseUrl: string;
  redisUrl: string;
  /** The folder for the logs of the processes. */
  logs: string;
  /** The folder for programs that are downloaded. */
  binaries: string;
  rooms: number;
  /** All members, each with one socket. Member `m` is in room `m % rooms`. */
  members: number;
}

export interface Setup extends Environment {
  /** The refs of this run. A message carries its ref in every frame. */
  refs: Refs;
}

export interface RunningPeer {
  /** One for each process that has sockets. The members of a room are spread over all of them. */
  urls: string[];
  dialect: Dialect;
  /** The processes of the peer, without Postgres and Redis. */
  children: Child[];
  /** How many sockets get each message: all members of its room, or only its sender. */
  receivers: number;
  stop(): Promise<void>;
}

/** How a client speaks with a peer over a WebSocket. Members have numbers from 0. A message has an index. */
export interface Dialect {
  upgrade(member: number): { path: string; token?: string };
  /** The frame that a client sends when its socket is open. */
  greeting?(member: number): string;
  /** The frame that sends a message. */
  encode(member: number, index: number, text: string): string;
  /** Reads a text frame: the bytes from `start`, without the byte at `end`. Calls `events` for what is in it. */
  read(bytes: Buffer, start: number, end: number, events: DialectEvents): void;
}

export interface DialectEvents {
  /** From now on the socket gets the messages of its room. */
  ready(): void;
  acked(index: number): void;
  delivered(index: number): void;
  refused(frame: string): void;
  /** The protocol requires that the client sends this frame now. */
  reply(frame: string): void;
}

/** Stops the processes in the order of the list. */
export async function stopAll(children: Child[]): Promise<void> {
  for (const child of children) await child.stop();
}
