import { Feeds } from './feeds.ts';
import { HeadSweep, type HeadSweepOptions } from './head-sweep.ts';
import type { FeedListener } from './message-order.ts';
import { RoomSubscriptions, type RoomSubscriptionsOptions } from './room-subscriptions.ts';

/** The parts that know what was delivered to whom. */
export interface OpenRooms {
  feeds: Feeds;
  sweep: HeadSweep;
  subscriptions: RoomSubscriptions;
}

type OpenRoomsOptions = Omit<RoomSubscriptionsOptions, 'feeds'> & Omit<HeadSweepOptions, 'feeds'>;

export function openRooms(options: OpenRoomsOptions): OpenRooms {
  const listener: FeedListener = { deliver: (...message) => subscriptions.deliver(...message) };
  const feeds = new Feeds({ ...options, listener });
  const subscriptions = new RoomSubscriptions({ ...options, feeds });
  return { feeds, subscriptions, sweep: new HeadSweep({ ...options, feeds }) };
}

export function closeRooms({ feeds, sweep, subscriptions }: OpenRooms): void {
  sweep.close();
  subscriptions.close();
  feeds.close();
}
