import { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';
import type { Random } from '../../bench/proof/seeded-random.ts';

/** A connection without an answer for this time is replaced (shared/redis.ts). */
const SILENCE_LIMIT_MS = 4_000;
const MAX_RECONNECT_MS = 1_000;

interface Command {
  /** The channels of a SUBSCRIBE or an UNSUBSCRIBE. A PING has none. */
  channels: string[];
  isSubscribe: boolean;
  resolve: (result: unknown) => void;
}

/** An item on its way from Redis to the gateway: a publication, or the answer to a command. */
type Arrival = { channel: string; payload: string } | { answers: Command };

/**
 * A model of the connection of a subscriber, as ioredis shows it. A command waits until Redis handles it. Publications and
 * answers arrive in their order. A cut loses everything on its way; commands without an answer are sent again.
 */
export class ModelRedis extends EventEmitter {
  status = 'ready';
  readonly #random: Random;
  #commands: Command[] = [];
  #handled: Command[] = [];
  #arrivals: Arrival[] = [];
  #channels = new Set<string>();
  #deafSince: number | undefined;
  #isClosed = false;

  constructor(random: Random) {
    super();
    this.#random = random;
  }

  /** The connection in the form that the code of Rooms expects. */
  get asRedis(): Redis {
    return this as unknown as Redis;
  }

  subscribe(...channels: string[]): Promise<unknown> {
    return this.#send(channels, true);
  }

  unsubscribe(...channels: string[]): Promise<unknown> {
    return this.#send(channels, false);
  }

  ping(): Promise<unknown> {
    return this.#send([], false);
  }

  disconnect(reconnects = false): void {
    this.#isClosed = !reconnects;
    this.cut();
  }

  /** Redis publishes. */
  publish(channel: string, payload: string): void {
    if (this.status === 'ready' && this.#deafSince === undefined && this.#channels.has(channel))
      this.#arrivals.push({ channel, payload });
  }

  /** Redis handles the next command. @returns false if there is none */
  handle(): boolean {
    if (this.status !== 'ready' || this.#deafSince !== undefined) return false;
    const command = this.#commands.shift();
    if (!command) return false;
    for (const channel of command.channels)
      if (command.isSubscribe) this.#channels.add(channel);
      else this.#channels.delete(channel);
    this.#handled.push(command);
    this.#arrivals.push({ answers: command });
    return true;
  }

  /** The gateway reads the next publication or answer. @returns false if there is none */
  receive(): boolean {
    const arrival = this.#arrivals.shift();
    if (!arrival) return false;
    if ('channel' in arrival) this.emit('message', arrival.channel, arrival.payload);
    else this.#answer(arrival.answers);
    return true;
  }

  /** From now on, nothing arrives on this connection, in both directions. */
  makeDeaf(): void {
    if (this.status !== 'ready') return;
    this.#deafSince ??= performance.now();
    this.#arrivals = [];
  }

  /** Replaces a connection that was deaf for too long. Call this after each step of the clock. */
  checkSilence(): void {
    if (this.#deafSince !== undefined && performance.now() - this.#deafSince > SILENCE_LIMIT_MS) this.cut();
  }

  cut(): void {
    if (this.status !== 'ready') return;
    this.status = this.#isClosed ? 'end' : 'reconnecting';
    this.#commands = [...this.#handled, ...this.#commands];
    this.#handled = [];
    this.#arrivals = [];
    this.#channels = new Set();
    this.#deafSince = undefined;
    this.emit('close');
    if (!this.#isClosed) setTimeout(() => this.#reconnect(), this.#random(MAX_RECONNECT_MS));
  }

  #reconnect(): void {
    if (this.#isClosed) return;
    this.status = 'ready';
    this.emit('ready');
  }

  #answer(command: Command): void {
    this.#handled.splice(this.#handled.indexOf(command), 1);
    command.resolve('OK');
  }

  #send(channels: string[], isSubscribe: boolean): Promise<unknown> {
    return new Promise((resolve) => this.#commands.push({ channels, isSubscribe, resolve }));
  }
}

/** The other connection of a gateway: it only writes who is online, which this model does not check. */
export function writeOnlyRedis(): Redis {
  const chain: unknown = new Proxy(
    {},
    { get: (_, name) => (name === 'exec' ? async () => [] : name === 'then' ? undefined : () => chain) },
  );
  const isChain = (name: unknown) => name === 'pipeline' || name === 'multi';
  return new Proxy({}, { get: (_, name) => (isChain(name) ? () => chain : async () => 1) }) as Redis;
}
