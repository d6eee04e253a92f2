import type { Invitation } from '../../shared/contract/channels.ts';
import { encodeMessage, type Message } from '../../shared/contract/messages.ts';
import type { Log } from '../../shared/log.ts';
import type { Reads } from '../reads/reads.ts';
import type { Membership } from '../reads/session-reads.ts';
import type { AttachedUser } from './attached-user.ts';
import type { Feeds } from './feeds.ts';

const PAGE_SIZE = 500;

export interface InvitationsOptions {
  feeds: Feeds;
  reads: Pick<Reads, 'memberships' | 'messagesAfter'>;
  log: Log;
}

/** Brings users into rooms whose feed did not run on this gateway when they were added. */
export class Invitations {
  readonly #options: InvitationsOptions;

  constructor(options: InvitationsOptions) {
    this.#options = options;
  }

  /**
   * Replays the room to the user from their invitation on, then joins the topic. Does nothing if the feed delivers the
   * invitation itself, or if the user has left the room since. Never rejects.
   */
  async accept(user: AttachedUser, invitation: Invitation): Promise<void> {
    await user.loaded.catch(() => false);
    const { roomId } = invitation;
    if (!this.#needsReplay(user, invitation)) return;
    const { feeds, log } = this.#options;
    user.joiningRooms.add(roomId);
    try {
      await feeds.retain(roomId);
      await this.#replay(user, invitation);
    } catch (error) {
      log.warn({ error, roomId, userId: user.id }, 'an invitation could not be accepted');
    } finally {
      user.joiningRooms.delete(roomId);
      feeds.release(roomId);
    }
  }

  #needsReplay(user: AttachedUser, { roomId, seq }: Invitation): boolean {
    if (!user.isReady || user.closed || user.rooms.has(roomId) || user.joiningRooms.has(roomId)) return false;
    const progress = this.#options.feeds.progressOf(roomId);
    const isInFeed = progress !== undefined && seq > progress.startSeq;
    const hasLeftSince = seq <= (user.leftAt.get(roomId) ?? 0);
    return !isInFeed && !hasLeftSince;
  }

  /** Sends and joins in the tick in which the replay has reached the feed, so there is no gap and no second delivery. */
  async #replay(user: AttachedUser, { roomId, seq }: Invitation): Promise<void> {
    const { feeds } = this.#options;
    const membership = await this.#startFeed(user, roomId);
    if (!membership) return;
    const missed = await this.#readMissed(roomId, Math.max(seq, membership.seq));
    const hasLeftSince = (user.leftAt.get(roomId) ?? 0) > membership.head;
    if (hasLeftSince || user.rooms.has(roomId) || user.closed) return;
    const delivered = feeds.progressOf(roomId)?.deliveredSeq ?? 0;
    for (const message of missed) {
      if (message.seq > delivered) break;
      const frame = encodeMessage(message);
      for (const socket of user.attached.keys()) socket.send(frame);
    }
    user.join(roomId);
  }

  /** @returns the membership, read after the feed was subscribed; undefined if the user is not a member */
  async #startFeed(user: AttachedUser, roomId: string): Promise<Membership | undefined> {
    const { feeds, reads } = this.#options;
    for (;;) {
      const memberships = await reads.memberships(user.id);
      const membership = memberships?.find((each) => each.roomId === roomId);
      if (!membership) return undefined;
      feeds.start(roomId, membership.head);
      if (feeds.deliversAllAfter(roomId, membership.head)) return membership;
    }
  }

  /** The messages from `first` to at least the last one that the feed has delivered. */
  async #readMissed(roomId: string, first: number): Promise<Message[]> {
    const { feeds, reads } = this.#options;
    const missed: Message[] = [];
    let last = first - 1;
    while (last < (feeds.progressOf(roomId)?.deliveredSeq ?? 0)) {
      const page = await reads.messagesAfter(roomId, last, PAGE_SIZE);
      if (page.length === 0) break;
      missed.push(...page);
      last = page.at(-1)?.seq ?? last;
    }
    return missed;
  }
}
