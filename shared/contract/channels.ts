import type { AccountOutcome, BatchName, RoomOutcome } from './jobs.ts';
import type { MembershipChange } from './messages.ts';

/** The Redis channels of a deployment. @param prefix `REDIS_PREFIX` */
export function channelNames(prefix: string) {
  return {
    /** {@link Broadcast}s of a room, to every gateway with a member online. */
    room: (roomId: string) => `${prefix}:room:${roomId}`,
    /** {@link Notice}s to a user, to every gateway that holds a socket of his. */
    user: (userId: string) => `${prefix}:user:${userId}`,
    /** {@link Reply}s to a gateway. */
    gateway: (gatewayId: string) => `${prefix}:gateway:${gatewayId}`,
  };
}

export type ChannelNames = ReturnType<typeof channelNames>;

/** What a worker tells of a room: new messages, or (with no records) just how far the room is. */
export interface Broadcast {
  /** The seq of the last record, or of the room's last known message. */
  head: number;
  /** The records that change who is a member, so that no gateway has to parse the others. */
  changes: MembershipChange[];
  /** Messages as {@link encodeMessage} made them, of consecutive seq up to `head`. */
  records: string[];
}

/** A user is in a room since the message `seq`. */
export interface Invitation {
  roomId: string;
  seq: number;
}

/** Tokens of a user are over: this one, or all that are of an older version. */
export type Revocation = { tokenId: string } | { version: number };

/** What gateways have to know of a user. */
export type Notice = { invitation: Invitation } | { revocation: Revocation };

/** The outcomes of a batch, in the order of its commands. */
export interface Reply {
  job: BatchName;
  lane: number;
  number: number;
  outcomes: (RoomOutcome | AccountOutcome)[];
}

/** A line of JSON about the records, then a line a record: encoded JSON holds no line break. */
export function encodeBroadcast({ head, changes, records }: Broadcast): string {
  return [JSON.stringify({ head, changes }), ...records].join('\n');
}

export function decodeBroadcast(text: string): Broadcast {
  const [about = '', ...records] = text.split('\n');
  return { ...(JSON.parse(about) as Omit<Broadcast, 'records'>), records };
}
