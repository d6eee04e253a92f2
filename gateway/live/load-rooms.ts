import { Refusal } from '../../shared/contract/errors.ts';
import { wait } from '../../shared/wait.ts';
import type { Bearer } from '../accounts/tokens.ts';
import { type Attachment, BEFORE_ALL_ROOMS } from '../reads/attachment-reads.ts';
import type { Reads } from '../reads/reads.ts';
import type { Membership } from '../reads/session-reads.ts';
import type { AttachedUser } from './attached-user.ts';
import type { Feeds } from './feeds/feeds.ts';
import type { Slices } from './slices.ts';

const DELIVERY_CHECK_MS = 20;

export interface LoadOptions {
  feeds: Feeds;
  reads: Pick<Reads, 'attachment'>;
  slices: Slices;
  /** Called when the rooms of the first page are in `user.rooms`. */
  onFirstPage?: ((page: Attachment) => void) | undefined;
}

/**
 * Reads the rooms of a user, page by page, and starts their feeds. Every message after a read comes through the feeds,
 * without a gap. Adds the rooms to `user.rooms`.
 * @returns false if the token of the bearer is not valid
 */
export async function loadRooms(user: AttachedUser, bearer: Bearer, options: LoadOptions): Promise<boolean> {
  let isTokenValid: boolean | undefined;
  for (let roomsAfter: string | undefined = BEFORE_ALL_ROOMS; roomsAfter !== undefined; ) {
    const page = await loadPage(user, { bearer, roomsAfter }, options);
    if (isTokenValid === undefined) options.onFirstPage?.(page);
    isTokenValid ??= page.isTokenValid;
    roomsAfter = page.nextAfter;
  }
  return isTokenValid ?? false;
}

/** Reads again until every feed delivers all messages after the read. */
async function loadPage(
  user: AttachedUser,
  key: { bearer: Bearer; roomsAfter: string },
  { feeds, reads, slices }: LoadOptions,
): ReturnType<Reads['attachment']> {
  const retained = new Map<string, Promise<void>>();
  const retain = (roomId: string) => retained.has(roomId) || retained.set(roomId, feeds.retain(roomId));
  try {
    for (;;) {
      const readAt = feeds.beginRead();
      try {
        const page = await reads.attachment(key);
        // Without this, a gateway that closes its feeds meanwhile would read without end.
        if (user.closed) throw new Refusal('unavailable');
        let isComplete = true;
        await slices.run(page.rooms, ({ roomId, head }) => {
          retain(roomId);
          if (!feeds.startAfterRead(roomId, head, readAt)) isComplete = false;
        });
        if (isComplete) {
          await waitForFeeds(user, page.rooms, feeds);
          await slices.run(page.rooms, (membership) => addRoom(user, membership));
          return page;
        }
      } finally {
        feeds.endRead();
      }
      await Promise.all(retained.values());
    }
  } finally {
    await slices.run(retained.keys(), (roomId) => feeds.release(roomId));
  }
}

/**
 * Postgres can have a membership whose beginning a feed has not delivered yet. A socket that joined the topic now would get
 * messages from before the membership.
 */
async function waitForFeeds(user: AttachedUser, rooms: Membership[], feeds: Feeds): Promise<void> {
  const isAhead = ({ roomId, seq }: Membership) => (feeds.progressOf(roomId)?.deliveredSeq ?? seq) < seq;
  const ahead = rooms.filter(isAhead);
  for (const { roomId, head } of ahead) feeds.announce(roomId, head);
  while (!user.closed && ahead.some(isAhead)) await wait(DELIVERY_CHECK_MS, { keepsProcess: false });
}

function addRoom(user: AttachedUser, { roomId, head }: Membership): void {
  if (user.closed) return;
  user.addRoom(roomId);
  user.forgetChangeUpTo(roomId, head);
}
