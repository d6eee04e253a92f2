import type { Log } from '../../shared/log.ts';
import { wait } from '../../shared/wait.ts';
import type { Reads } from '../reads/reads.ts';
import { UserTurns } from '../reads/user-turns.ts';
import type { Feeds } from './feeds.ts';
import type { Invitations } from './invitations.ts';
import { applyEnd, applyRead, nextStep, type PendingRoom, type Step } from './pending-room.ts';
import { encodeLeft, encodeResumed, encodeResync } from './resume-frames.ts';
import type { Resumption } from './resumption.ts';
import { SLICE_MS, type Slices } from './slices.ts';

/** A read that failed is tried again after this time. */
const RETRY_AFTER_MS = 250;
/** The wait for a feed that is behind. */
const FEED_CHECK_MS = 20;
/** Few enough that the unsent bytes of a socket stay far below its limit. */
const RECORDS_AT_ONCE = 32;
/** One statement asks for this number of memberships. */
const MEMBERSHIPS_AT_ONCE = 1_000;

export interface ReplaysOptions {
  feeds: Feeds;
  reads: Pick<Reads, 'membershipsIn' | 'replayPage' | 'endedPage' | 'endedMemberships'>;
  log: Log;
}

type PendingEntry = [roomId: string, room: PendingRoom];

/**
 * Sends the missing messages to sockets that resume. A socket gets them room by room: first from the memory of the feed,
 * then from Postgres. It joins the topic of a room in the tick in which it has everything that was delivered. Nothing is
 * held in memory for a slow client: the replay waits until the socket has few unsent bytes.
 */
export class Replays {
  readonly #options: ReplaysOptions;
  readonly #invitations: Invitations;
  readonly #slices: Slices;
  /** The reads of many users share their statements, so the total needs no bound. */
  readonly #turns = new UserTurns({
    atOnce: Number.POSITIVE_INFINITY,
    ofUserAtOnce: 1,
    ofUserWaiting: Number.POSITIVE_INFINITY,
  });

  constructor(options: ReplaysOptions, invitations: Invitations, slices: Slices) {
    this.#options = options;
    this.#invitations = invitations;
    this.#slices = slices;
  }

  /** Makes every pending room live, and then sends `Resumed`. Never rejects: after an error, it tries again. */
  async run(resumption: Resumption): Promise<void> {
    const { pending, socket } = resumption;
    // Most rooms miss nothing.
    await this.#slices.run(pending, (entry) => {
      if (resumption.isOpen && this.#stepOf(resumption, entry) === 'join') join(resumption, entry);
    });
    while (resumption.isOpen && pending.size > 0) {
      try {
        await this.#runRound(resumption);
      } catch (error) {
        this.#options.log.warn({ error, userId: resumption.user.id }, 'a replay could not read, it tries again');
        await wait(RETRY_AFTER_MS, { keepsProcess: false });
      }
    }
    if (!resumption.isOpen) return;
    if (socket.attachment) socket.attachment.resumption = undefined;
    socket.send(encodeResumed());
  }

  /** Moves each room as far as it can go now. */
  async #runRound(resumption: Resumption): Promise<void> {
    await this.#readMemberships(resumption);
    await this.#findEnds(resumption);
    let hasMoved = false;
    let sliceEnd = performance.now() + SLICE_MS;
    for (const entry of resumption.pending) {
      if (!resumption.isOpen) return;
      if (await this.#advance(resumption, entry)) hasMoved = true;
      if (performance.now() < sliceEnd) continue;
      await this.#slices.nextSlice();
      sliceEnd = performance.now() + SLICE_MS;
    }
    if (!hasMoved) await wait(FEED_CHECK_MS, { keepsProcess: false });
  }

  /** @returns true if the room is further than before */
  async #advance(resumption: Resumption, entry: PendingEntry): Promise<boolean> {
    for (let hasMoved = false; ; hasMoved = true) {
      await resumption.waitForClient();
      if (!isPending(resumption, entry)) return hasMoved;
      const step = this.#stepOf(resumption, entry);
      if (step === 'send' || step === 'send ended') {
        if (!(await this.#sendPage(resumption, entry, step))) return hasMoved;
      } else if (!this.#take(step, resumption, entry)) return hasMoved;
    }
  }

  /** Takes a step without a read. @returns false if the room cannot go on now */
  #take(step: Step, resumption: Resumption, entry: PendingEntry): boolean {
    const [roomId, room] = entry;
    const { socket, pending } = resumption;
    if (step === 'join') join(resumption, entry);
    else if (step === 'jump') Object.assign(room, { sent: (room.since as number) - 1, end: undefined });
    else if (step === 'resync') {
      socket.send(encodeResync(roomId, room.sent));
      room.needsResync = false;
    } else if (step === 'leave') {
      socket.send(encodeLeft(roomId));
      pending.delete(roomId);
    } else {
      if (step === 'read') room.needsRead = true;
      if (step === 'wait') this.#options.feeds.announce(roomId, Math.max(room.sent, room.since ?? 0));
      return false;
    }
    return true;
  }

  /** @returns false if there is nothing to send yet */
  async #sendPage(resumption: Resumption, entry: PendingEntry, step: 'send' | 'send ended'): Promise<boolean> {
    const [roomId, room] = entry;
    const { sent, since, end } = room;
    const { socket } = resumption;
    const isCurrent = () => isPending(resumption, entry) && room.since === since && room.end === end && !room.needsRead;
    const records = await this.#readRecords(resumption, entry, step);
    if (!isCurrent()) return true;
    const last = step === 'send' ? (this.#options.feeds.progressOf(roomId)?.deliveredSeq ?? 0) : (end as number);
    const page = records.slice(0, Math.max(0, last - sent));
    for (let first = 0; first < page.length; first += RECORDS_AT_ONCE) {
      await resumption.waitForClient();
      if (!isCurrent()) return true;
      const part = page.slice(first, first + RECORDS_AT_ONCE);
      socket.sendTogether(part);
      room.sent += part.length;
    }
    // A shared read can have begun before the message was committed.
    return page.length > 0;
  }

  /** Returns the next records, from memory if they are there. */
  async #readRecords(resumption: Resumption, [roomId, room]: PendingEntry, step: Step): Promise<string[]> {
    const { feeds, reads } = this.#options;
    const { sent: after, end } = room;
    const recent = step === 'send' ? feeds.recordsAfter(roomId, after) : undefined;
    if (recent) return recent;
    const records = await this.#read(resumption, () =>
      step === 'send' ? reads.replayPage({ roomId, after }) : reads.endedPage({ roomId, after, end: end as number }),
    );
    // Many sockets get their pages in the same tick.
    await this.#slices.nextSlice();
    return records;
  }

  async #readMemberships(resumption: Resumption): Promise<void> {
    const { pending, user } = resumption;
    const asked = [...pending].filter(([, room]) => room.needsRead).slice(0, MEMBERSHIPS_AT_ONCE);
    if (asked.length === 0) return;
    const roomIds = asked.map(([roomId]) => roomId);
    const heads = asked.map(([, { head }]) => head);
    const found = await this.#read(resumption, () => this.#options.reads.membershipsIn(user.id, roomIds));
    await this.#invitations.accept(user, ...found);
    const memberships = new Map(found.map((membership) => [membership.roomId, membership]));
    for (const [index, entry] of asked.entries()) {
      const [roomId, room] = entry;
      if (isPending(resumption, entry)) applyRead(room, memberships.get(roomId), heads[index] as number);
    }
  }

  /** One statement for all rooms. So rooms that do not exist cost little. */
  async #findEnds(resumption: Resumption): Promise<void> {
    const { pending, user, most } = resumption;
    const asked = [...pending].filter((entry) => this.#stepOf(resumption, entry) === 'find end');
    if (asked.length === 0) return;
    const positions = asked.map(([roomId, { sent }]) => ({ roomId, seq: sent }));
    const found = await this.#read(resumption, () => this.#options.reads.endedMemberships(user.id, positions));
    const ends = new Map(found.map(({ roomId, end }) => [roomId, end]));
    for (const entry of asked) {
      const isUnknown = isPending(resumption, entry) && entry[1].end === undefined;
      if (isUnknown) applyEnd(entry[1], ends.get(entry[0]) ?? 0, most);
    }
  }

  #read<T>({ user }: Resumption, read: () => Promise<T>): Promise<T> {
    return this.#turns.run(user.id, read, true);
  }

  #stepOf({ user }: Resumption, [roomId, room]: PendingEntry): Step {
    const deliveredSeq = this.#options.feeds.progressOf(roomId)?.deliveredSeq;
    return nextStep(room, { deliveredSeq, isJoined: user.rooms.has(roomId) });
  }
}

function join({ socket, pending }: Resumption, [roomId]: PendingEntry): void {
  socket.join(roomId);
  pending.delete(roomId);
}

function isPending({ pending, isOpen }: Resumption, [roomId, room]: PendingEntry): boolean {
  return isOpen && pending.get(roomId) === room;
}
