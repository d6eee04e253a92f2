import { type ChannelNames, type Notice, Notices } from '../../shared/contract/channels.ts';
import { decodeVersioned } from '../../shared/contract/versions.ts';
import type { PayloadReader } from '../../shared/payloads.ts';
import type { Subscriber } from './subscriber.ts';

export interface NoticeChannelOptions {
  subscriber: Subscriber;
  names: ChannelNames;
  payloads: PayloadReader;
}

/** The channel of the notices for all users. */
export class NoticeChannel {
  readonly #options: NoticeChannelOptions;
  readonly #receive: (payload: string) => void;
  /** Undefined after Redis refused the subscription. The next call then subscribes again. */
  #subscribed: Promise<void> | undefined;

  constructor(options: NoticeChannelOptions, receive: (notice: Notice) => void) {
    this.#options = options;
    this.#receive = (payload) => {
      const received = options.payloads.read('notice', payload, (text) => decodeVersioned(Notices, text));
      for (const notice of received?.notices ?? []) receive(notice);
    };
  }

  /** Resolves when the channel is subscribed. */
  subscribe(): Promise<void> {
    const { subscriber, names } = this.#options;
    this.#subscribed ??= subscriber.subscribe(names.notices, this.#receive).catch((error: unknown) => {
      this.#subscribed = undefined;
      throw error;
    });
    return this.#subscribed;
  }

  close(): void {
    const { subscriber, names } = this.#options;
    subscriber.unsubscribe(names.notices, this.#receive);
  }
}
