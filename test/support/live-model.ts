import type { Random } from '../../bench/proof/seeded-random.ts';
import type { LiveRoomsOptions } from '../../gateway/live/live-rooms.ts';
import type { EndedMembership, Position } from '../../gateway/reads/replay-reads.ts';
import type { Notice } from '../../shared/contract/channels.ts';
import type { CommandName } from '../../shared/contract/commands.ts';
import { encodeMessage, type Message, membershipChange } from '../../shared/contract/messages.ts';

/** A small page, so that a user has several. */
const ROOMS_OF_PAGE = 2;
/** Small pages, so that a replay has several. */
const RECORDS_OF_PAGE = 3;
/** As long as the read of Rooms (gateway/reads/notice-reads.ts). */
const RECENT_MS = 15_000;

export interface ModelRoom {
  id: string;
  isDeleted: boolean;
  /** The seq of the message that made each member a member, and its time. */
  members: Map<string, { seq: number; atMs: number }>;
  messages: Message[];
}

interface PendingRead {
  run: () => unknown;
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
  /** What Postgres has read. The answer is on its way. */
  result?: { value: unknown };
}

/** The same ids for the same seed. @param number makes the id different from other ids */
export const modelId = (number: number) => `00000000-0000-4000-8000-${number.toString().padStart(12, '0')}`;

/** A model of Postgres for the live rooms: rooms, members, messages, tokens, and reads that are slow or fail. */
export class LiveModel {
  readonly rooms = new Map<string, ModelRoom>();
  readonly revoked = new Map<string, { userId: string; atMs: number }>();
  readonly #random: Random;
  readonly #pending: PendingRead[] = [];
  #ids = 1_000;

  constructor(random: Random) {
    this.#random = random;
  }

  newId(): string {
    return modelId(++this.#ids);
  }

  get openRooms(): ModelRoom[] {
    return [...this.rooms.values()].filter(({ isDeleted }) => !isDeleted);
  }

  roomsOf(userId: string): ModelRoom[] {
    return this.openRooms.filter(({ members }) => members.has(userId));
  }

  createRoom(userId: string): Message {
    const id = this.newId();
    this.rooms.set(id, { id, isDeleted: false, members: new Map(), messages: [] });
    return this.store(id, userId, 'CreateRoom');
  }

  /** Commits a command that is allowed. @returns the stored message */
  store(roomId: string, userId: string, command: CommandName, targetId = roomId): Message {
    const room = this.rooms.get(roomId) as ModelRoom;
    const [id, now] = [this.newId(), new Date(performance.now()).toISOString()];
    const seq = room.messages.length + 1;
    const times = { createdAt: now, updatedAt: now };
    const message: Message = { id, seq, roomId, userId, command, targetId, text: '', ref: id, ...times };
    room.messages.push(message);
    const change = membershipChange(message);
    if (change?.userId === 'everyone') Object.assign(room, { isDeleted: true, members: new Map() });
    else if (change?.isMember) room.members.set(change.userId, { seq, atMs: performance.now() });
    else if (change) room.members.delete(change.userId);
    return message;
  }

  revoke(tokenId: string, userId: string): void {
    this.revoked.set(tokenId, { userId, atMs: performance.now() });
  }

  /** The reads that a gateway needs. Each one waits until {@link stepRead}. */
  reads(): LiveRoomsOptions['reads'] {
    return {
      attachment: ({ bearer, roomsAfter }) =>
        this.#read(() => {
          const after = this.#membershipsOf(bearer.userId).filter(({ roomId }) => roomId > (roomsAfter ?? '~'));
          const rooms = after.slice(0, ROOMS_OF_PAGE);
          const nextAfter = after.length > ROOMS_OF_PAGE ? rooms.at(-1)?.roomId : undefined;
          return { isTokenValid: !this.revoked.has(bearer.tokenId), rooms, nextAfter };
        }),
      membershipsIn: (userId, roomIds) =>
        this.#read(() => this.#membershipsOf(userId).filter(({ roomId }) => roomIds.includes(roomId))),
      messagesAfter: (roomId, seq, limit) =>
        this.#read(() => (this.rooms.get(roomId)?.messages ?? []).slice(seq, seq + limit)),
      changedHeads: (known) =>
        this.#read(() =>
          known.flatMap(({ roomId, seq }, index) => {
            const head = this.rooms.get(roomId)?.messages.length ?? null;
            return head === seq ? [] : [{ place: index + 1, head }];
          }),
        ),
      replayPage: ({ roomId, after }) => this.#read(() => this.#recordsOf(roomId, after, pageEnd(after))),
      endedPage: ({ roomId, after, end }) =>
        this.#read(() => this.#recordsOf(roomId, after, Math.min(end, pageEnd(after)))),
      endedMemberships: (userId, positions) =>
        this.#read(() => positions.flatMap((position) => this.#endedMembership(userId, position))),
      recentNotices: () => this.#read(() => this.#recentNotices()),
    };
  }

  /** Postgres reads, or its answer arrives. @returns false if no read is pending */
  stepRead(): boolean {
    const read = this.#pending[this.#random(this.#pending.length)];
    if (!read) return false;
    if (!read.result) read.result = { value: read.run() };
    else this.#remove(read).resolve(read.result.value);
    return true;
  }

  /** Postgres ends a statement with an error. */
  failRead(): void {
    const read = this.#pending[this.#random(this.#pending.length)];
    if (read) this.#remove(read).reject(new Error('postgres did not answer'));
  }

  #remove(read: PendingRead): PendingRead {
    this.#pending.splice(this.#pending.indexOf(read), 1);
    return read;
  }

  #read<T>(run: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#pending.push({ run, resolve: resolve as (result: unknown) => void, reject });
    });
  }

  #membershipsOf(userId: string) {
    const rooms = this.roomsOf(userId).map(({ id, members, messages }) => ({
      ...{ roomId: id, seq: members.get(userId)?.seq ?? 0, head: messages.length },
      ...{ name: 'a room', roomType: 'Private' as const, read: messages.length, unread: 0, mentions: 0 },
    }));
    return rooms.sort((a, b) => (a.roomId < b.roomId ? -1 : 1));
  }

  #recordsOf(roomId: string, after: number, last: number): string[] {
    return (this.rooms.get(roomId)?.messages ?? []).slice(after, last).map(encodeMessage);
  }

  /** Returns the membership that the user had at a position, if it has ended since. */
  #endedMembership(userId: string, { roomId, seq }: Position): EndedMembership[] {
    const changes = (this.rooms.get(roomId)?.messages ?? []).map(membershipChange);
    const own = changes.filter((change) => change?.userId === userId || change?.userId === 'everyone');
    const first = own.findLast((change) => change?.isMember && change.userId === userId && change.seq <= seq + 1);
    const end = first && own.find((change) => !change?.isMember && (change?.seq ?? 0) > first.seq);
    return first && end && end.seq > seq ? [{ roomId, first: first.seq, end: end.seq }] : [];
  }

  #recentNotices(): Notice[] {
    const since = performance.now() - RECENT_MS;
    const invitations = this.openRooms.flatMap(({ id, members }) =>
      [...members]
        .filter(([, { atMs }]) => atMs > since)
        .map(([userId, { seq }]) => ({ userId, invitation: { roomId: id, seq } })),
    );
    const revocations = [...this.revoked]
      .filter(([, { atMs }]) => atMs > since)
      .map(([tokenId, { userId }]) => ({ userId, revocation: { tokenId } }));
    return [...invitations, ...revocations];
  }
}

function pageEnd(after: number): number {
  return (Math.floor(after / RECORDS_OF_PAGE) + 1) * RECORDS_OF_PAGE;
}
