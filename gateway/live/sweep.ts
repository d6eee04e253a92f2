import type { Notice } from '../../shared/contract/channels.ts';
import type { Log } from '../../shared/log.ts';
import { wait } from '../../shared/wait.ts';
import type { KnownHead } from '../reads/head-reads.ts';
import type { Reads } from '../reads/reads.ts';

const SWEEP_EVERY_MS = 1_000;
const ROOMS_PER_STATEMENT = 2_000;
/**
 * Bounds the cost: 10,000 rooms take about 20 ms of a core of Postgres. A gateway with more rooms needs several sweeps to
 * ask for all of them.
 */
const MAX_STATEMENTS_PER_SWEEP = 5;
/** The publication of a new message is usually on its way. If it has not arrived after this time, it is read. */
const PUBLICATION_WAIT_MS = 300;

export interface SweepOptions {
  reads: Pick<Reads, 'changedHeads' | 'recentNotices'>;
  feeds: {
    /** The rooms whose messages are delivered. */
    heads(): Iterable<KnownHead>;
    /** Makes the feed of a room read the messages up to this head. Does nothing if they are delivered. */
    announce(roomId: string, head: number): void;
  };
  /** Gets each notice of the last seconds again and again. */
  receive: (notice: Notice) => void;
  /** Called if a room has fewer messages than this gateway has delivered. */
  onWentBack: () => void;
  log: Log;
}

/**
 * Asks Postgres every second what this gateway has missed: messages of its rooms, and notices for its users. So a change
 * whose publication was lost is delivered within two seconds, also if the worker that stored it has died. The sweep also
 * notices that Postgres has gone back in time, for example after a failover to a replica that was behind.
 */
export class Sweep {
  readonly #options: SweepOptions;
  readonly #timer: NodeJS.Timeout;
  #isSweeping = false;
  /** The rooms that the current round has not asked for. */
  #rooms: Iterator<KnownHead> | undefined;
  #hasFailed = false;

  constructor(options: SweepOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#sweep(), SWEEP_EVERY_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #sweep(): Promise<void> {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    try {
      await this.#checkRooms();
      for (const notice of await this.#options.reads.recentNotices()) this.#options.receive(notice);
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) this.#options.log.warn({ error }, 'the changes of the last second could not be read');
      this.#hasFailed = true;
    }
    this.#isSweeping = false;
  }

  async #checkRooms(): Promise<void> {
    this.#rooms ??= this.#options.feeds.heads()[Symbol.iterator]();
    for (let statements = 0; statements < MAX_STATEMENTS_PER_SWEEP; statements++) {
      const known = take(this.#rooms);
      if (known.length > 0) await this.#check(known);
      if (known.length < ROOMS_PER_STATEMENT) {
        this.#rooms = undefined;
        return;
      }
    }
  }

  /** One statement is in flight, so that a gateway with very many rooms does not delay other reads. */
  async #check(known: KnownHead[]): Promise<void> {
    const changed = await this.#options.reads.changedHeads(known);
    const heads = changed.map(({ place, head }) => ({ ...(known[place - 1] as KnownHead), head: head ?? 0 }));
    if (heads.some(({ seq, head }) => head < seq)) this.#options.onWentBack();
    else if (heads.length > 0) void this.#announceLater(heads);
  }

  async #announceLater(heads: { roomId: string; head: number }[]): Promise<void> {
    await wait(PUBLICATION_WAIT_MS, { keepsProcess: false });
    for (const { roomId, head } of heads) this.#options.feeds.announce(roomId, head);
  }
}

/** Takes the heads at the moment of their statement. So a seq in Postgres is never smaller, except after a restore. */
function take(rooms: Iterator<KnownHead>): KnownHead[] {
  const taken: KnownHead[] = [];
  while (taken.length < ROOMS_PER_STATEMENT) {
    const next = rooms.next();
    if (next.done) break;
    taken.push(next.value);
  }
  return taken;
}
