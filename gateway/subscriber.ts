import type { Redis } from 'ioredis';

type Listener = (payload: string) => void;

/** The gateway's one connection for hearing Redis channels. */
export class Subscriber {
  readonly #redis: Redis;
  readonly #listeners = new Map<string, Set<Listener>>();

  /**
   * @param redis a connection that does not subscribe again by itself
   * @param onReconnect called when all channels are subscribed again; publications may have been missed
   */
  constructor(redis: Redis, onReconnect: () => void) {
    this.#redis = redis;
    redis.on('message', (channel, payload) => {
      for (const listener of this.#listeners.get(channel) ?? []) listener(payload);
    });
    let connectedBefore = redis.status === 'ready';
    redis.on('ready', async () => {
      const channels = [...this.#listeners.keys()];
      if (channels.length > 0) await redis.subscribe(...channels);
      if (connectedBefore) onReconnect();
      connectedBefore = true;
    });
  }

  /** Resolves when Redis has confirmed: from then on the listener hears everything on the channel. */
  async subscribe(channel: string, listener: Listener): Promise<void> {
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(listener));
    await this.#redis.subscribe(channel);
  }

  unsubscribe(channel: string, listener: Listener): void {
    const listeners = this.#listeners.get(channel);
    listeners?.delete(listener);
    if (listeners?.size !== 0) return;
    this.#listeners.delete(channel);
    // Should the connection be lost, the channel is not subscribed again either way.
    this.#redis.unsubscribe(channel).catch(() => undefined);
  }
}
