import * as v from 'valibot';
import { fnv1a } from '../fnv1a.ts';
import { Seq } from './fields.ts';
import { AnyId, Id } from './ids.ts';
import { MembershipChange } from './messages.ts';
import { RoomCounts } from './read-marks.ts';
import { decodeVersioned, encodeVersioned } from './versions.ts';

/**
 * The number of channels that all rooms share. A batch makes one publication for each channel of its rooms, so more
 * channels cost workers and Redis more. A gateway gets the messages of all rooms of its channels, so fewer channels
 * cost gateways more.
 */
const ROOM_CHANNELS = 16;

/** Returns the names of the Redis channels. @param prefix `REDIS_PREFIX` */
export function channelNames(prefix: string) {
  return {
    /** Carries the {@link Broadcast}s of a room, and of other rooms, to every gateway with a member online. */
    room: (roomId: string) => `${prefix}:rooms:${fnv1a(roomId) % ROOM_CHANNELS}`,
    /** Carries the {@link Notices} for all users to every gateway. */
    notices: `${prefix}:notices`,
    /** Carries the news (people-news.ts) about who is online from each gateway to every gateway. */
    people: `${prefix}:people`,
    /** Carries the replies (jobs.ts) for one gateway. */
    gateway: (gatewayId: string) => `${prefix}:gateway:${gatewayId}`,
  };
}

export type ChannelNames = ReturnType<typeof channelNames>;

const BroadcastHeader = v.object({
  roomId: AnyId,
  /** The seq of the last record. Without records, the seq of the last message of the room. */
  head: Seq,
  /** The number of records. */
  count: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  /** The membership changes in the records. So a gateway need not parse the records. */
  changes: v.optional(v.array(MembershipChange), []),
});
const BroadcastHeaders = v.object({ rooms: v.array(BroadcastHeader) });

/** New messages of a room. Without records, it only announces the head: the seq of the last message of the room. */
export interface Broadcast {
  roomId: string;
  head: number;
  changes: MembershipChange[];
  /** Messages that `encodeMessage` encoded. Their seqs are consecutive and end at `head`. */
  records: string[];
}

/** Encodes all headers as the first line, and each record as one more line. A line of JSON contains no line break. */
export function encodeBroadcasts(broadcasts: Broadcast[]): string {
  const rooms = broadcasts.map(({ roomId, head, changes, records }) => {
    const header = { roomId, head, count: records.length };
    return changes.length === 0 ? header : { ...header, changes };
  });
  return [encodeVersioned({ rooms }), ...broadcasts.flatMap(({ records }) => records)].join('\n');
}

/** @throws Error if the first line has no headers of this version, or if it counts more or fewer records than there are */
export function decodeBroadcasts(text: string): Broadcast[] {
  const [headers = '', ...records] = text.split('\n');
  let end = 0;
  const broadcasts = decodeVersioned(BroadcastHeaders, headers).rooms.map(({ roomId, head, count, changes }) => {
    const start = end;
    end += count;
    return { roomId, head, changes, records: records.slice(start, end) };
  });
  if (end !== records.length) {
    throw new Error(`the headers count ${end} records, the publication has ${records.length}`);
  }
  return broadcasts;
}

/** The message `seq` made the user a member of the room. */
const Invitation = v.object({ roomId: AnyId, seq: Seq });
export type Invitation = v.InferOutput<typeof Invitation>;

/** A logout ended one token of the user, or all tokens with a lower version. */
const Revocation = v.union([v.object({ tokenId: Id }), v.object({ version: v.number() })]);
export type Revocation = v.InferOutput<typeof Revocation>;

/** A change that every gateway with a socket of the user must know. */
const Notice = v.union([
  v.object({ userId: Id, invitation: Invitation }),
  v.object({ userId: Id, revocation: Revocation }),
  v.object({ userId: Id, read: RoomCounts }),
]);
export type Notice = v.InferOutput<typeof Notice>;
export const Notices = v.object({ notices: v.array(Notice) });
