import type { Redis } from 'ioredis';
import type { Log } from '../../shared/log.ts';

type Listener = (payload: string) => void;

/** Milliseconds between heartbeats, and until a connection without an answer is given up. */
const HEARTBEAT = 1_000;
const PATIENCE = 3_000;
/** Channels in one SUBSCRIBE after a reconnection. */
const AT_ONCE = 1_000;

/** The gateway's one connection for hearing Redis channels. */
export class Subscriber {
  readonly #redis: Redis;
  readonly #log: Log;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #heartbeat: NodeJS.Timeout;

  /**
   * @param redis a connection that does not subscribe again by itself
   * @param onReconnect called when all channels are subscribed again; publications may have been missed
   */
  constructor(redis: Redis, onReconnect: () => void, log: Log) {
    this.#redis = redis;
    this.#log = log;
    redis.on('message', (channel, payload) => {
      for (const listener of this.#listeners.get(channel) ?? []) listener(payload);
    });
    let connectedBefore = redis.status === 'ready';
    redis.on('ready', () => {
      if (connectedBefore) void this.#subscribeAgain(onReconnect);
      connectedBefore = true;
    });
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT);
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

  close(): void {
    clearInterval(this.#heartbeat);
    this.#redis.disconnect();
  }

  async #subscribeAgain(onReconnect: () => void): Promise<void> {
    try {
      const channels = [...this.#listeners.keys()];
      for (let first = 0; first < channels.length; first += AT_ONCE) {
        await this.#redis.subscribe(...channels.slice(first, first + AT_ONCE));
      }
      onReconnect();
    } catch (error) {
      this.#log.warn({ error }, 'channels could not be subscribed again');
      this.#redis.disconnect(true);
    }
  }

  /** A connection that died without a word would else be noticed only after many seconds. */
  #beat(): void {
    if (this.#redis.status !== 'ready') return;
    const timer = setTimeout(() => this.#redis.disconnect(true), PATIENCE);
    this.#redis
      .ping()
      .catch(() => undefined)
      .finally(() => clearTimeout(timer));
  }
}
