import type { Redis } from 'ioredis';
import type { ChannelNames } from '../shared/contract/channels.ts';
import type { Message } from '../shared/contract/messages.ts';
import type { Log } from '../shared/log.ts';
import { headPublication, invitations, type Publication, publish } from './publications.ts';

const EVERY = 1_000;
const FOR = 10_000;

interface Reminder {
  publication: Publication;
  until: number;
}

/**
 * Says again, every second for ten seconds, how far each touched room is, who came into it and whose tokens are over, so
 * that a publication that was lost is missed by nobody for long.
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
    this.#timer = setInterval(() => void this.#remind(), EVERY);
  }

  /** To be called after the messages are stored, before they are published. */
  note(messages: Message[]): void {
    const until = Date.now() + FOR;
    for (const { roomId, seq } of messages) {
      const head = Math.max(seq, this.#heads.get(roomId)?.head ?? 0);
      this.#heads.set(roomId, { head, until, publication: headPublication(this.#names, roomId, head) });
    }
    this.repeat(invitations(messages, this.#names));
  }

  /** To be called before they are published. */
  repeat(notices: Publication[]): void {
    const until = Date.now() + FOR;
    for (const publication of notices) this.#notices.set(publication.join(), { until, publication });
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #remind(): Promise<void> {
    forgetOld(this.#heads);
    forgetOld(this.#notices);
    const reminders = [...this.#notices.values(), ...this.#heads.values()];
    if (reminders.length === 0) return;
    try {
      await publish(
        this.#redis,
        reminders.map(({ publication }) => publication),
      );
    } catch (error) {
      this.#log.warn({ error }, 'reminders could not be published');
    }
  }
}

function forgetOld(reminders: Map<string, Reminder>): void {
  const now = Date.now();
  for (const [key, { until }] of reminders) if (until < now) reminders.delete(key);
}
