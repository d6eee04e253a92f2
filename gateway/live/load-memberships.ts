import type { Reads } from '../reads/reads.ts';
import type { Feeds } from './feeds.ts';

/**
 * Reads the rooms of a user, and starts the feeds of these rooms.
 * @param use gets the head of each room: the seq of its last message at the moment of the read. All feeds are retained
 *   during this call, and every later message comes through the feeds, without a gap.
 * @returns false if the user does not exist
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
      // The loop reads again: a head that was read before its channel was subscribed can leave a gap.
      for (const { roomId } of missing) retained.add(roomId);
      await Promise.all(missing.map(({ roomId }) => feeds.retain(roomId)));
    }
  } finally {
    for (const roomId of retained) feeds.release(roomId);
  }
}
