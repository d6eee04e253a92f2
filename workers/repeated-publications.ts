import type { Redis } from 'ioredis';
import type { ChannelNames, Notice } from '../shared/contract/channels.ts';
import type { Message } from '../shared/contract/messages.ts';
import type { Log } from '../shared/log.ts';
import { broadcastPublications, headOf, invitations, noticePublications, publish } from './publications.ts';

const INTERVAL_MS = 1_000;
const REPEAT_FOR_MS = 10_000;

interface Repeated {
  /** By the monotonic clock: a change of the time of day must not end the repetition. */
  untilMs: number;
}

/**
 * Publishes three things again, every second for ten seconds: the head of a room (the seq of its last message), an
 * invitation and a revocation. So a gateway that missed the first publication gets the content within two seconds.
 */
export class RepeatedPublications {
  readonly #redis: Redis;
  readonly #names: ChannelNames;
  readonly #log: Log;
  readonly #heads = new Map<string, Repeated & { head: number }>();
  readonly #notices = new Map<string, Repeated & { notice: Notice }>();
  readonly #timer: NodeJS.Timeout;

  constructor(redis: Redis, names: ChannelNames, log: Log) {
    this.#redis = redis;
    this.#names = names;
    this.#log = log;
    this.#timer = setInterval(() => void this.#publishAll(), INTERVAL_MS);
  }

  /** Call this after the messages are stored and before their first publication. That publication can fail. */
  addMessages(messages: Message[]): void {
    const untilMs = performance.now() + REPEAT_FOR_MS;
    for (const { roomId, seq } of messages) {
      const head = Math.max(seq, this.#heads.get(roomId)?.head ?? 0);
      this.#heads.set(roomId, { head, untilMs });
    }
    this.addNotices(invitations(messages));
  }

  /** Call this before the first publication of the notices. */
  addNotices(notices: Notice[]): void {
    const untilMs = performance.now() + REPEAT_FOR_MS;
    for (const notice of notices) this.#notices.set(JSON.stringify(notice), { untilMs, notice });
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #publishAll(): Promise<void> {
    removeExpired(this.#heads);
    removeExpired(this.#notices);
    const notices = [...this.#notices.values()].map(({ notice }) => notice);
    const heads = [...this.#heads].map(([roomId, { head }]) => headOf(roomId, head));
    if (notices.length + heads.length === 0) return;
    try {
      await publish(this.#redis, [
        ...noticePublications(notices, this.#names),
        ...broadcastPublications(heads, this.#names),
      ]);
    } catch (error) {
      this.#log.warn({ error }, 'heads and notices could not be published again');
    }
  }
}

function removeExpired(repeated: Map<string, Repeated>): void {
  const now = performance.now();
  for (const [key, { untilMs }] of repeated) if (untilMs < now) repeated.delete(key);
}
