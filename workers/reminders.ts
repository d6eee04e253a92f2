import type { Redis } from 'ioredis';
import type { ChannelNames } from '../shared/contract/channels.ts';
import type { Message } from '../shared/contract/messages.ts';
import type { Log } from '../shared/log.ts';
import { headPublication, invitations, type Publication, publish } from './publications.ts';

const INTERVAL_MS = 1_000;
const REPEAT_FOR_MS = 10_000;

interface Reminder {
  publication: Publication;
  /** Milliseconds since 1970. */
  until: number;
}

/**
 * Once per second, publishes again the heads of rooms, the invitations and the revocations of the last ten seconds. So a
 * gateway that missed a publication gets its content within two seconds.
 */
export class Reminders {
  readonly #redis: Redis;
  readonly #names: ChannelNames;
  readonly #log: Log;
  readonly #heads = new Map<string, Reminder & { head: number }>();
  readonly #notices = new Map<string, Reminder>();
  readonly #timer: NodeJS.Timeout;

  constructor(redis: Redis, names: ChannelNames, log: Log) {
    this.#redis = redis;
    this.#names = names;
    this.#log = log;
    this.#timer = setInterval(() => void this.#publishAll(), INTERVAL_MS);
  }

  /** Call this after the messages are stored and before they are published: the publishing can fail. */
  addMessages(messages: Message[]): void {
    const until = Date.now() + REPEAT_FOR_MS;
    for (const { roomId, seq } of messages) {
      const head = Math.max(seq, this.#heads.get(roomId)?.head ?? 0);
      this.#heads.set(roomId, { head, until, publication: headPublication(this.#names, roomId, head) });
    }
    this.addNotices(invitations(messages, this.#names));
  }

  /** Call this before the notices are published. */
  addNotices(notices: Publication[]): void {
    const until = Date.now() + REPEAT_FOR_MS;
    for (const publication of notices) this.#notices.set(publication.join(), { until, publication });
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #publishAll(): Promise<void> {
    removeExpired(this.#heads);
    removeExpired(this.#notices);
    const reminders = [...this.#notices.values(), ...this.#heads.values()];
    if (reminders.length === 0) return;
    try {
      await publish(
        this.#redis,
        reminders.map(({ publication }) => publication),
      );
    } catch (error) {
      this.#log.warn({ error }, 'reminders not published');
    }
  }
}

function removeExpired(reminders: Map<string, Reminder>): void {
  const now = Date.now();
  for (const [key, { until }] of reminders) if (until < now) reminders.delete(key);
}
