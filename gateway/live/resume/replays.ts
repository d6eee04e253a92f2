import type { Log } from '../../../shared/log.ts';
import { wait } from '../../../shared/wait.ts';
import type { Reads } from '../../reads/reads.ts';
import { MAX_ROOMS_OF_MEMBERSHIPS } from '../../reads/session-reads.ts';
import { UserTurns } from '../../reads/user-turns.ts';
import { encodeLeft, encodeResumed, encodeResync } from '../encode-frames.ts';
import type { Feeds } from '../feeds/feeds.ts';
import type { Invitations } from '../invitations.ts';
import { SLICE_MS, type Slices } from '../slices.ts';
import { applyEnd, applyJump, applyRead, nextStep, type Step } from './pending-room.ts';
import { Batch, endOf, type Page, type PendingEntry, readPage, recentPage } from './replay-pages.ts';
import type { Resumption } from './resumption.ts';

/** A read that failed is tried again after this time. The time doubles with each further failure. */
const RETRY_AFTER_MS = 250;
const MAX_RETRY_AFTER_MS = 2_000;
/** The wait for a feed that is behind. */
const FEED_CHECK_MS = 20;
/** Few enough that the unsent bytes of a socket stay far below its limit. */
const RECORDS_AT_ONCE = 32;

export interface ReplaysOptions {
  feeds: Feeds;
  reads: Pick<Reads, 'membershipsIn' | 'replayPage' | 'endedPage' | 'endedMemberships'>;
  log: Log;
}

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
    for (let failures = 0; resumption.isOpen && pending.size > 0; ) {
      try {
        await this.#runRound(resumption);
        failures = 0;
      } catch (error) {
        // In an outage, very many sockets would fill the log.
        if (failures === 0)
          this.#options.log.warn({ error, userId: resumption.user.id }, 'a replay could not read, it tries again');
        await wait(Math.min(RETRY_AFTER_MS * 2 ** failures++, MAX_RETRY_AFTER_MS), { keepsProcess: false });
      }
    }
    if (!resumption.isOpen) return;
    if (socket.attachment) socket.attachment.resumption = undefined;
    socket.send(encodeResumed());
  }

  /** Moves each room as far as it can go now. Rooms that miss few messages get them together. */
  async #runRound(resumption: Resumption): Promise<void> {
    await this.#readMemberships(resumption);
    await this.#findEnds(resumption);
    const batch = new Batch();
    let hasMoved = false;
    let sliceEnd = performance.now() + SLICE_MS;
    for (const entry of resumption.pending) {
      await resumption.waitForClient();
      if (!resumption.isOpen) return;
      hasMoved = this.#advance(resumption, entry) || hasMoved;
      if (isPending(resumption, entry) && isSend(this.#stepOf(resumption, entry)))
        batch.add(entry, this.#missing(entry));
      if (batch.isFull) hasMoved = (await this.#sendBatch(resumption, batch.take())) || hasMoved;
      if (performance.now() < sliceEnd) continue;
      await this.#slices.nextSlice();
      sliceEnd = performance.now() + SLICE_MS;
    }
    hasMoved = (await this.#sendBatch(resumption, batch.take())) || hasMoved;
    if (!hasMoved) await wait(FEED_CHECK_MS, { keepsProcess: false });
  }

  #missing([roomId, room]: PendingEntry): number {
    return (endOf(room) ?? this.#deliveredSeqOf(roomId)) - room.sent;
  }

  #deliveredSeqOf(roomId: string): number {
    return this.#options.feeds.progressOf(roomId)?.deliveredSeq ?? 0;
  }

  /** @returns true if a room is further than before */
  async #sendBatch(resumption: Resumption, batch: PendingEntry[]): Promise<boolean> {
    if (batch.length === 0) return false;
    const pages = await this.#readPages(resumption, batch);
    let hasMoved = false;
    for (let index = 0; index < batch.length && resumption.isOpen; ) {
      await resumption.waitForClient();
      resumption.socket.cork(() => {
        while (index < batch.length && !resumption.mustWait) {
          if (this.#advance(resumption, batch[index] as PendingEntry, pages[index])) hasMoved = true;
          else index++;
        }
      });
    }
    return hasMoved;
  }

  /**
   * Takes all steps that need no read.
   * @param page the next messages
   * @returns true if the room is further than before
   */
  #advance(resumption: Resumption, entry: PendingEntry, page?: Page): boolean {
    let hasMoved = false;
    while (isPending(resumption, entry) && !resumption.mustWait && this.#takeStep(resumption, entry, page))
      hasMoved = true;
    return hasMoved;
  }

  /** @returns false if the room cannot go on now */
  #takeStep(resumption: Resumption, entry: PendingEntry, page: Page | undefined): boolean {
    const [roomId, room] = entry;
    const { socket, pending } = resumption;
    switch (this.#stepOf(resumption, entry)) {
      case 'send':
      case 'send ended':
        return page !== undefined && this.#send(resumption, entry, page);
      case 'join':
        join(resumption, entry);
        return true;
      case 'jump':
        applyJump(room);
        return true;
      case 'resync':
        socket.send(encodeResync(roomId, room.sent));
        room.needsResync = false;
        return true;
      case 'leave':
        socket.send(encodeLeft(roomId));
        pending.delete(roomId);
        return true;
      case 'wait':
        this.#options.feeds.announce(roomId, room.head);
        return false;
      // The next round reads what these two need.
      case 'read':
        room.needsRead = true;
        return false;
      case 'find end':
        return false;
    }
  }

  /** Sends some messages of the page, but none that the feed has not delivered. */
  #send({ socket }: Resumption, [roomId, room]: PendingEntry, { after, since, end, records }: Page): boolean {
    if (room.since !== since || endOf(room) !== end) return false;
    const last = end ?? this.#deliveredSeqOf(roomId);
    const first = room.sent - after;
    const part = (records ?? []).slice(first, Math.min(first + RECORDS_AT_ONCE, last - after));
    if (part.length === 0) return false;
    socket.sendTogether(part);
    room.sent += part.length;
    return true;
  }

  /** Returns the next messages of each room, from memory if they are there. */
  async #readPages(resumption: Resumption, batch: PendingEntry[]): Promise<Page[]> {
    const { feeds, reads } = this.#options;
    const pages = batch.map((entry) => recentPage(feeds, entry));
    if (pages.some(({ records }) => !records)) {
      const readAll = () => Promise.all(batch.map((entry, index) => readPage(reads, entry, pages[index] as Page)));
      await this.#read(resumption, readAll);
      // Many sockets get their pages in the same tick.
      await this.#slices.nextSlice();
    }
    return pages;
  }

  async #readMemberships(resumption: Resumption): Promise<void> {
    const { pending, user } = resumption;
    const asked = [...pending].filter(([, room]) => room.needsRead).slice(0, MAX_ROOMS_OF_MEMBERSHIPS);
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

const isSend = (step: Step) => step === 'send' || step === 'send ended';
