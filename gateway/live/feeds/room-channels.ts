import { type Broadcast, type ChannelNames, decodeBroadcasts } from '../../../shared/contract/channels.ts';
import type { PayloadReader } from '../../../shared/payloads.ts';
import type { Subscriber } from '../subscriber.ts';

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
  /** When Redis confirmed the last subscription, by `performance.now()`. */
  confirmedAt: number;
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
    const channel = this.#channels.get(name) ?? {
      retainedRooms: 0,
      subscribed: undefined,
      confirmedAt: Number.POSITIVE_INFINITY,
    };
    this.#channels.set(name, channel);
    channel.retainedRooms++;
    if (!channel.subscribed) {
      channel.subscribed = this.#subscribe(name, channel);
      // Not every caller waits for the promise. Without this line, a rejection would end the process.
      channel.subscribed.catch(() => undefined);
    }
    return channel.subscribed;
  }

  /** True if the channel of the room was already subscribed at this time, and has been since then. */
  isSubscribedSince(roomId: string, time: number): boolean {
    return (this.#channels.get(this.#options.names.room(roomId))?.confirmedAt ?? Number.POSITIVE_INFINITY) <= time;
  }

  /** Call this when all channels are subscribed again after a lost connection. */
  markResubscribed(): void {
    for (const channel of this.#channels.values()) channel.confirmedAt = performance.now();
  }

  release(roomId: string): void {
    const name = this.#options.names.room(roomId);
    const channel = this.#channels.get(name);
    if (!channel || --channel.retainedRooms > 0) return;
    this.#channels.delete(name);
    this.#options.subscriber.unsubscribe(name, this.#receive);
  }

  async #subscribe(name: string, channel: SharedChannel): Promise<void> {
    try {
      await this.#options.subscriber.subscribe(name, this.#receive);
      channel.confirmedAt = performance.now();
    } catch (error) {
      channel.subscribed = undefined;
      throw error;
    }
  }

  readonly #receive = (payload: string): void => {
    const { payloads, receive } = this.#options;
    for (const broadcast of payloads.read('broadcast', payload, decodeBroadcasts) ?? []) receive(broadcast);
  };
}
