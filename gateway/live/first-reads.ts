import type { Bearer } from '../accounts/tokens.ts';
import type { Attachment } from '../reads/attachment-reads.ts';
import type { Reads } from '../reads/reads.ts';
import type { AttachedUser } from './attached-user.ts';
import type { Feeds } from './feeds/feeds.ts';
import type { Invitations } from './invitations.ts';
import { loadRooms } from './load-rooms.ts';
import type { NoticeChannel } from './notice-channel.ts';
import type { Slices } from './slices.ts';

export interface FirstReadsOptions {
  feeds: Feeds;
  reads: Pick<Reads, 'attachment'>;
}

/**
 * Reads what a socket needs before it attaches: its token, and for the first socket of a user also the rooms. Notices are
 * subscribed before the read of the token. So a revocation after this read arrives as a notice.
 */
export class FirstReads {
  readonly #options: FirstReadsOptions;
  readonly #notices: NoticeChannel;
  readonly #invitations: Invitations;
  readonly #slices: Slices;

  constructor(options: FirstReadsOptions, notices: NoticeChannel, invitations: Invitations, slices: Slices) {
    this.#options = options;
    this.#notices = notices;
    this.#invitations = invitations;
    this.#slices = slices;
  }

  /**
   * Reads the rooms of a user who is new on this gateway.
   * @param onFirstPage called when the rooms of the first page are in `user.rooms`
   * @returns false if the token of the bearer is not valid
   */
  async loadUser(user: AttachedUser, bearer: Bearer, onFirstPage?: (page: Attachment) => void): Promise<boolean> {
    const loaded = this.#notices
      .subscribe()
      .then(() => loadRooms(user, bearer, { ...this.#options, slices: this.#slices, onFirstPage }));
    user.loaded = loaded.then(() => this.#makeReady(user));
    await user.loaded;
    return loaded;
  }

  /** Checks the token, and waits until the rooms of the user are read. @returns false if the token is not valid */
  async checkToken(user: AttachedUser, bearer: Bearer): Promise<boolean> {
    await this.#notices.subscribe();
    const { isTokenValid } = await this.#options.reads.attachment({ bearer });
    await user.loaded;
    return isTokenValid;
  }

  /** Waits until the rooms of the user are read. The caller checks the token. */
  async waitForUser(user: AttachedUser): Promise<void> {
    await this.#notices.subscribe();
    await user.loaded;
  }

  /** Applies the changes that arrived during the reads. Now `user.rooms` equals the memberships. */
  #makeReady(user: AttachedUser): void {
    user.isReady = true;
    if (user.closed) return;
    for (const [roomId, { seq, isMember }] of user.changesBeforeReady) {
      if (!isMember) user.leave(roomId, seq);
      // A feed that started later may have passed a removal.
      else if (seq > (this.#options.feeds.progressOf(roomId)?.startSeq ?? seq)) user.join(roomId, seq);
      else void this.#invitations.accept(user, { roomId, seq });
    }
    user.markLoaded();
  }
}
