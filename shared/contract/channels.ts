import * as v from 'valibot';
import { Seq } from './fields.ts';
import { AnyId, Id } from './ids.ts';
import { MembershipChange } from './messages.ts';
import { decodeVersioned, encodeVersioned } from './versions.ts';

/** Returns the names of the Redis channels. @param prefix `REDIS_PREFIX` */
export function channelNames(prefix: string) {
  return {
    /** Carries the {@link Broadcast}s of a room to every gateway with a member online. */
    room: (roomId: string) => `${prefix}:room:${roomId}`,
    /** Carries the {@link Notice}s for a user to every gateway with a socket of that user. */
    user: (userId: string) => `${prefix}:user:${userId}`,
    /** Carries the replies (jobs.ts) for one gateway. */
    gateway: (gatewayId: string) => `${prefix}:gateway:${gatewayId}`,
  };
}

export type ChannelNames = ReturnType<typeof channelNames>;

const BroadcastHeader = v.object({
  /** The seq of the last record. Without records, the seq of the last message of the room. */
  head: Seq,
  /** The membership changes in the records. So a gateway need not parse the records. */
  changes: v.array(MembershipChange),
});

/** New messages of a room. Without records, it only announces the head: the seq of the last message of the room. */
export interface Broadcast {
  head: number;
  changes: MembershipChange[];
  /** Messages that `encodeMessage` encoded. Their seqs are consecutive and end at `head`. */
  records: string[];
}

/** Encodes the header as the first line, and each record as one more line. A line of JSON contains no line break. */
export function encodeBroadcast({ head, changes, records }: Broadcast): string {
  return [encodeVersioned({ head, changes }), ...records].join('\n');
}

/** @throws SyntaxError or ValiError if the first line is not a header of this version */
export function decodeBroadcast(text: string): Broadcast {
  const [header = '', ...records] = text.split('\n');
  const { head, changes } = decodeVersioned(BroadcastHeader, header);
  return { head, changes, records };
}

/** The message `seq` made the user a member of the room. */
const Invitation = v.object({ roomId: AnyId, seq: Seq });
export type Invitation = v.InferOutput<typeof Invitation>;

/** A logout ended one token of the user, or all tokens with a lower version. */
const Revocation = v.union([v.object({ tokenId: Id }), v.object({ version: v.number() })]);
export type Revocation = v.InferOutput<typeof Revocation>;

/** A change that every gateway with a socket of the user must know. */
export const Notice = v.union([v.object({ invitation: Invitation }), v.object({ revocation: Revocation })]);
export type Notice = v.InferOutput<typeof Notice>;
