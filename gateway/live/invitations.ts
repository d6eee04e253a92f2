import type { Invitation } from '../../shared/contract/channels.ts';
import { encodeMessage, type Message } from '../../shared/contract/messages.ts';
import type { Log } from '../../shared/log.ts';
import { wait } from '../../shared/wait.ts';
import type { Reads } from '../reads/reads.ts';
import type { Membership } from '../reads/session-reads.ts';
import type { AttachedUser } from './attached-user.ts';
import type { Feeds } from './feeds/feeds.ts';

/** The number of messages in one read from Postgres. */
const PAGE_SIZE = 500;
/** The number of invitations of a user that are accepted together, with one read of their rooms. */
const MAX_BATCH_INVITATIONS = 100;
/** After an error, the invitations are tried again after this time. */
const RETRY_AFTER_MS = 250;

export interface InvitationsOptions {
  feeds: Feeds;
  reads: Pick<Reads, 'membershipsIn' | 'messagesAfter'>;
  log: Log;
}

/** The invitations of one user that wait, and the end of the work on them while there is any. */
interface Queue {
  /** By room. */
  waiting: Map<string, Invitation>;
  finished: Promise<void> | undefined;
}

/**
 * Adds a user to a room if this gateway had no feed of the room when a worker added the user. A user has one read in
 * flight, and a read gets only the rooms of the invitations. So a user who joins many rooms does not delay the reads of
 * others.
 */
export class Invitations {
  readonly #options: InvitationsOptions;
  readonly #queues = new WeakMap<AttachedUser, Queue>();

  constructor(options: InvitationsOptions) {
    this.#options = options;
  }

  /**
   * Sends the messages of each room to the user, from the invitation to the last delivered message (a replay). Then the
   * user joins the topic. Does nothing for a room whose feed itself delivers the invitation, and for a room that the
   * user has left in the meantime. Never rejects.
   */
  async accept(user: AttachedUser, ...invitations: Invitation[]): Promise<void> {
    await user.loaded.catch(() => undefined);
    const queue = this.#queueOf(user);
    for (const invitation of invitations) {
      if (queue.waiting.has(invitation.roomId) || !this.#needsReplay(user, invitation)) continue;
      user.beginJoining(invitation.roomId);
      queue.waiting.set(invitation.roomId, invitation);
    }
    if (queue.waiting.size > 0) queue.finished ??= this.#acceptWaiting(user, queue);
    await queue.finished;
  }

  #queueOf(user: AttachedUser): Queue {
    const queue = this.#queues.get(user) ?? { waiting: new Map(), finished: undefined };
    this.#queues.set(user, queue);
    return queue;
  }

  /** Waits at least once if there is an invitation. So it ends after its promise is stored in the queue. */
  async #acceptWaiting(user: AttachedUser, queue: Queue): Promise<void> {
    while (queue.waiting.size > 0 && !user.closed) {
      const invitations = [...queue.waiting.values()].slice(0, MAX_BATCH_INVITATIONS);
      for (const { roomId } of invitations) queue.waiting.delete(roomId);
      try {
        await this.#acceptBatch(user, invitations);
        for (const { roomId } of invitations) if (!queue.waiting.has(roomId)) user.endJoining(roomId);
      } catch (error) {
        this.#options.log.warn({ error, userId: user.id }, 'invitations could not be accepted, they are tried again');
        for (const each of invitations) queue.waiting.set(each.roomId, each);
        await wait(RETRY_AFTER_MS, { keepsProcess: false });
      }
    }
    queue.finished = undefined;
  }

  async #acceptBatch(user: AttachedUser, invitations: Invitation[]): Promise<void> {
    const { feeds } = this.#options;
    const roomIds = invitations.map(({ roomId }) => roomId);
    const subscriptions = roomIds.map((roomId) => feeds.retain(roomId));
    try {
      await Promise.all(subscriptions);
      const memberships = await this.#startFeeds(user, roomIds);
      for (const { roomId, seq } of invitations) {
        const membership = memberships.get(roomId);
        if (membership) await this.#replay(user, membership, Math.max(seq, membership.seq));
      }
    } finally {
      for (const roomId of roomIds) feeds.release(roomId);
    }
  }

  /**
   * An invitation to a room of the batch in flight needs a replay too: the batch may have read that the user had left,
   * and then no feed of the room stays.
   */
  #needsReplay(user: AttachedUser, { roomId, seq }: Invitation): boolean {
    if (!user.isReady || user.closed || user.rooms.has(roomId)) return false;
    const progress = user.joiningRooms.has(roomId) ? undefined : this.#options.feeds.progressOf(roomId);
    const isInFeed = progress !== undefined && seq > progress.startSeq;
    const hasLeftSince = seq <= (user.leftAt.get(roomId) ?? 0);
    return !isInFeed && !hasLeftSince;
  }

  /** Sends the replay and joins the topic in the same tick. So no message is missing, and none comes twice. */
  async #replay(user: AttachedUser, { roomId, head }: Membership, first: number): Promise<void> {
    const missed: Message[] = [];
    // The condition and the end of this loop are in one tick: a feed can deliver whenever a promise resolves.
    while (first - 1 + missed.length < this.#deliveredSeqOf(roomId)) {
      missed.push(...(await this.#readMissed(roomId, first - 1 + missed.length)));
    }
    const hasLeftSince = (user.leftAt.get(roomId) ?? 0) > head;
    if (hasLeftSince || user.rooms.has(roomId) || user.closed) return;
    const delivered = this.#deliveredSeqOf(roomId);
    // The topic would also get messages from before the invitation.
    if (delivered < first - 1) throw new Error(`the feed of ${roomId} has not delivered ${first - 1}`);
    for (const message of missed) {
      if (message.seq > delivered) break;
      const frame = encodeMessage(message);
      for (const socket of user.socketsIn(roomId)) socket.send(frame);
    }
    user.join(roomId, first);
  }

  #deliveredSeqOf(roomId: string): number {
    return this.#options.feeds.progressOf(roomId)?.deliveredSeq ?? 0;
  }

  async #readMissed(roomId: string, after: number): Promise<Message[]> {
    const page = await this.#options.reads.messagesAfter(roomId, after, PAGE_SIZE);
    if (page.length === 0) throw new Error(`the message ${after + 1} of ${roomId} was delivered, but is not stored`);
    return page;
  }

  /** Starts the feeds. Their channels are subscribed before the read. @returns the rooms of which the user is a member */
  async #startFeeds(user: AttachedUser, roomIds: string[]): Promise<Map<string, Membership>> {
    const { feeds, reads } = this.#options;
    for (;;) {
      const memberships = await reads.membershipsIn(user.id, roomIds);
      for (const { roomId, head } of memberships) feeds.start(roomId, head);
      if (memberships.every(({ roomId, head }) => feeds.deliversAllAfter(roomId, head))) {
        return new Map(memberships.map((membership) => [membership.roomId, membership]));
      }
    }
  }
}
