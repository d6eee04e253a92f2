import type { Reads } from '../reads/reads.ts';
import type { Feeds } from './feeds.ts';

/**
 * Reads the rooms of a user, and retains and starts their feeds.
 * @param use gets the head of each room at the moment of the read, while all feeds are retained. Every later message
 *   comes through the feeds, without a gap.
 * @returns false if there is no such user
 */
export async function loadMemberships(
  userId: string,
  feeds: Feeds,
  reads: Pick<Reads, 'memberships'>,
  use: (heads: Map<string, number>) => void,
): Promise<boolean> {
  const retained = new Set<string>();
  try {
    for (;;) {
      const memberships = await reads.memberships(userId);
      if (!memberships) return false;
      const missing = memberships.filter(({ roomId }) => !retained.has(roomId));
      for (const { roomId, head } of memberships) if (retained.has(roomId)) feeds.start(roomId, head);
      if (missing.length === 0 && memberships.every(({ roomId, head }) => feeds.deliversAllAfter(roomId, head))) {
        use(new Map(memberships.map(({ roomId, head }) => [roomId, head])));
        return true;
      }
      // The channel must be subscribed before the head is read. The other order leaves a gap, so the loop reads again.
      for (const { roomId } of missing) retained.add(roomId);
      await Promise.all(missing.map(({ roomId }) => feeds.retain(roomId)));
    }
  } finally {
    for (const roomId of retained) feeds.release(roomId);
  }
}
