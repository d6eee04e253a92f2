import { Feeds, type FeedsOptions } from './feeds/feeds.ts';
import type { FeedListener } from './feeds/message-order.ts';
import { RoomSubscriptions, type RoomSubscriptionsOptions } from './room-subscriptions.ts';
import { Sweep, type SweepOptions } from './sweep.ts';

/** The parts that know what was delivered, and which sockets are members of which rooms. */
export interface OpenRooms {
  feeds: Feeds;
  sweep: Sweep;
  subscriptions: RoomSubscriptions;
}

type OpenRoomsOptions = Omit<RoomSubscriptionsOptions, 'feeds'> &
  Omit<SweepOptions, 'feeds' | 'receive'> &
  Pick<FeedsOptions, 'lingerMs' | 'onMissing'>;

export function openRooms(options: OpenRoomsOptions): OpenRooms {
  const listener: FeedListener = { deliver: (...message) => subscriptions.deliver(...message) };
  const feeds = new Feeds({ ...options, listener });
  const subscriptions = new RoomSubscriptions({ ...options, feeds });
  const receive: SweepOptions['receive'] = (notice) => subscriptions.receive(notice);
  return { feeds, subscriptions, sweep: new Sweep({ ...options, feeds, receive }) };
}

export function closeRooms({ feeds, sweep, subscriptions }: OpenRooms): void {
  sweep.close();
  subscriptions.close();
  feeds.close();
}
