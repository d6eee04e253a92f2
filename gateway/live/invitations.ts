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

/** Adds a user to a room if this gateway had no feed of the room when a worker added the user. */
export class Invitations {
  readonly #options: InvitationsOptions;

  constructor(options: InvitationsOptions) {
    this.#options = options;
  }

  /**
   * Sends the messages of the room to the user, from the invitation to the last delivered message (a replay). Then the
   * user joins the topic. Does nothing if the feed itself delivers the invitation, or if the user has left the room in
   * the meantime. Never rejects.
   */
  async accept(user: AttachedUser, invitation: Invitation): Promise<void> {
    await user.loaded.catch(() => undefined);
    const { roomId } = invitation;
    if (!this.#needsReplay(user, invitation)) return;
    const { feeds, log } = this.#options;
    user.beginJoining(roomId);
    try {
      await feeds.retain(roomId);
      await this.#replay(user, invitation);
    } catch (error) {
      log.warn({ error, roomId, userId: user.id }, 'an invitation could not be accepted');
    } finally {
      user.endJoining(roomId);
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

  /** Sends the replay and joins the topic in the same tick. So no message is missing, and none comes twice. */
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
      for (const socket of user.attachedSockets()) socket.send(frame);
    }
    user.join(roomId);
  }

  /** Starts the feed. Its channel is subscribed before the read. @returns undefined if the user is not a member */
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

  /** Reads the messages from the seq `first` to at least the last message that the feed has delivered. */
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
