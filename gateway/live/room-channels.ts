import { type Broadcast, type ChannelNames, decodeBroadcasts } from '../../shared/contract/channels.ts';
import type { PayloadReader } from '../../shared/payloads.ts';
import type { Subscriber } from './subscriber.ts';

export interface RoomChannelsOptions {
  subscriber: Subscriber;
  names: ChannelNames;
  payloads: PayloadReader;
  /** Gets the broadcasts of all rooms of the subscribed channels, also of rooms that are not retained. */
  receive: (broadcast: Broadcast) => void;
}

interface SharedChannel {
  retainedRooms: number;
  /** Undefined after Redis refused the subscription. Then the next call of `retain` subscribes again. */
  subscribed: Promise<void> | undefined;
}

/** Subscribes to the channels of rooms. Many rooms share a channel: it stays while any of its rooms is retained. */
export class RoomChannels {
  readonly #options: RoomChannelsOptions;
  readonly #channels = new Map<string, SharedChannel>();

  constructor(options: RoomChannelsOptions) {
    this.#options = options;
  }

  /** @returns a promise that resolves when the channel of the room is subscribed */
  retain(roomId: string): Promise<void> {
    const name = this.#options.names.room(roomId);
    const channel = this.#channels.get(name) ?? { retainedRooms: 0, subscribed: undefined };
    this.#channels.set(name, channel);
    channel.retainedRooms++;
    channel.subscribed ??= this.#options.subscriber.subscribe(name, this.#receive).catch((error: unknown) => {
      channel.subscribed = undefined;
      throw error;
    });
    return channel.subscribed;
  }

  release(roomId: string): void {
    const name = this.#options.names.room(roomId);
    const channel = this.#channels.get(name);
    if (!channel || --channel.retainedRooms > 0) return;
    this.#channels.delete(name);
    this.#options.subscriber.unsubscribe(name, this.#receive);
  }

  readonly #receive = (payload: string): void => {
    const { payloads, receive } = this.#options;
    for (const broadcast of payloads.read('broadcast', payload, decodeBroadcasts) ?? []) receive(broadcast);
  };
}
