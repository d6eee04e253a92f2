import type { Log } from '../../shared/log.ts';
import { wait } from '../../shared/wait.ts';
import type { KnownHead } from '../reads/head-reads.ts';
import type { Reads } from '../reads/reads.ts';

const SWEEP_EVERY_MS = 1_000;
const ROOMS_PER_STATEMENT = 2_000;
/** The publication of a new message is usually on its way. If it has not arrived after this time, it is read. */
const PUBLICATION_WAIT_MS = 300;

export interface HeadSweepOptions {
  reads: Pick<Reads, 'changedHeads'>;
  feeds: {
    /** The rooms whose messages are delivered. */
    heads(): Iterable<KnownHead>;
    /** Makes the feed of a room read the messages up to this head. Does nothing if they are delivered. */
    announce(roomId: string, head: number): void;
  };
  /** Called if a room has fewer messages than this gateway has delivered. */
  onWentBack: () => void;
  log: Log;
}

/**
 * Asks Postgres every second which rooms of this gateway have new messages. So a message whose publication was lost is
 * delivered within two seconds, also if the worker that stored it has died. It also notices that Postgres has gone back
 * in time, for example after a failover to a replica that was behind.
 */
export class HeadSweep {
  readonly #options: HeadSweepOptions;
  readonly #timer: NodeJS.Timeout;
  #isSweeping = false;
  #hasFailed = false;

  constructor(options: HeadSweepOptions) {
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
      const rooms = this.#options.feeds.heads()[Symbol.iterator]();
      for (let known = take(rooms); known.length > 0; known = take(rooms)) await this.#check(known);
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) this.#options.log.warn({ error }, 'the heads of rooms could not be read');
      this.#hasFailed = true;
    }
    this.#isSweeping = false;
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
