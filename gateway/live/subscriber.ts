import type { Redis } from 'ioredis';
import type { Log } from '../../shared/log.ts';

export type ChannelHandler = (payload: string) => void;

const HEARTBEAT_EVERY_MS = 1_000;
/**
 * If nothing arrives during this number of heartbeats in a row, the subscriber is silent. It counts heartbeats, because
 * a process that was stopped must read its socket before it judges it.
 */
const MAX_SILENT_HEARTBEATS = 6;
/** After a reconnect, each SUBSCRIBE command has at most this number of channels. */
const CHANNELS_PER_SUBSCRIBE = 1_000;

export interface SubscriberOptions {
  /** A `subscriber` connection (shared/redis.ts). Only this class uses it. */
  redis: Redis;
  /** Called after a reconnect, when all channels are subscribed again. Publications may have been missed. */
  onResubscribed: () => void;
  /** Called once each time that {@link Subscriber.isSilent} becomes true. */
  onSilent: () => void;
  log: Log;
}

/** Subscribes to Redis channels. A gateway uses one connection for all channels. */
export class Subscriber {
  readonly #redis: Redis;
  readonly #onResubscribed: () => void;
  readonly #onSilent: () => void;
  readonly #log: Log;
  readonly #handlers = new Map<string, Set<ChannelHandler>>();
  readonly #heartbeat: NodeJS.Timeout;
  #silentHeartbeats = 0;
  /** False from a lost connection until all channels are subscribed again. */
  #isSubscribed = true;

  constructor({ redis, onResubscribed, onSilent, log }: SubscriberOptions) {
    this.#redis = redis;
    this.#onResubscribed = onResubscribed;
    this.#onSilent = onSilent;
    this.#log = log;
    redis.on('message', (channel, payload) => {
      this.#noteSign();
      for (const handler of this.#handlers.get(channel) ?? []) handler(payload);
    });
    redis.on('close', () => {
      this.#isSubscribed = false;
    });
    let connectedBefore = redis.status === 'ready';
    redis.on('ready', () => {
      if (connectedBefore) void this.#resubscribe();
      // ioredis sends the subscriptions that waited for the first connection.
      else this.#isSubscribed = true;
      connectedBefore = true;
    });
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_EVERY_MS);
  }

  /**
   * True if Redis has sent nothing for about five seconds, or if the channels are not subscribed for that time after a
   * lost connection. Publications do not arrive then, and nobody knows which.
   */
  get isSilent(): boolean {
    return this.#silentHeartbeats >= MAX_SILENT_HEARTBEATS;
  }

  /** Resolves when Redis has confirmed. From then on, the handler gets every publication on the channel. */
  async subscribe(channel: string, handler: ChannelHandler): Promise<void> {
    const handlers = this.#handlers.get(channel) ?? new Set();
    this.#handlers.set(channel, handlers.add(handler));
    await this.#redis.subscribe(channel);
  }

  unsubscribe(channel: string, handler: ChannelHandler): void {
    const handlers = this.#handlers.get(channel);
    handlers?.delete(handler);
    if (handlers?.size !== 0) return;
    this.#handlers.delete(channel);
    // This fails only if the connection is lost. The new connection does not subscribe to this channel.
    this.#redis.unsubscribe(channel).catch(() => undefined);
  }

  close(): void {
    clearInterval(this.#heartbeat);
    this.#redis.disconnect();
  }

  async #resubscribe(): Promise<void> {
    try {
      const channels = [...this.#handlers.keys()];
      for (let first = 0; first < channels.length; first += CHANNELS_PER_SUBSCRIBE) {
        await this.#redis.subscribe(...channels.slice(first, first + CHANNELS_PER_SUBSCRIBE));
      }
      this.#isSubscribed = true;
      this.#noteSign();
      this.#onResubscribed();
    } catch (error) {
      this.#log.warn({ error }, 'channels could not be subscribed again');
      // In other states, ioredis connects already, and `disconnect` would stop it.
      if (this.#redis.status === 'ready') this.#redis.disconnect(true);
    }
  }

  #beat(): void {
    if (++this.#silentHeartbeats === MAX_SILENT_HEARTBEATS) this.#onSilent();
    if (this.#redis.status !== 'ready') return;
    // A silent connection is only replaced while a command waits (shared/redis.ts).
    this.#redis.ping().then(
      () => this.#noteSign(),
      () => undefined,
    );
  }

  #noteSign(): void {
    if (this.#isSubscribed) this.#silentHeartbeats = 0;
  }
}
