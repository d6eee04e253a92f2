import type { ChannelNames } from '../../../shared/contract/channels.ts';
import { newId } from '../../../shared/contract/ids.ts';
import { PeopleNews } from '../../../shared/contract/people-news.ts';
import { decodeVersioned, encodeVersioned } from '../../../shared/contract/versions.ts';
import type { Log } from '../../../shared/log.ts';
import type { PayloadReader } from '../../../shared/payloads.ts';
import type { Subscriber } from '../subscriber.ts';
import { PEOPLE_TIMES, type PeopleTimes } from './people-times.ts';
import type { TrackedRoom } from './tracked-room.ts';

const MAX_ROOMS_OF_NEWS = 500;

type News = Partial<PeopleNews>;
type Lists = 'follows' | 'questions' | 'heads' | 'changes' | 'typing';

export interface NewsExchangeOptions {
  subscriber: Subscriber;
  names: ChannelNames;
  payloads: PayloadReader;
  /** Publishes to the channel of the news. */
  publishNews: (payload: string) => Promise<unknown>;
  peopleTimes?: PeopleTimes | undefined;
  log: Log;
}

/** The rooms that the news are about. */
interface Rooms {
  all: ReadonlyMap<string, TrackedRoom>;
  /** Returns the room. If it is not tracked yet, tracks it. */
  track(roomId: string): TrackedRoom;
}

/**
 * Publishes to other gateways who is online here, in the rooms that they follow, and learns who is online there. Every
 * publication can be lost: a change with a gap before it, or a number that is not the expected one, leads to a question.
 */
export class NewsExchange {
  /** Every start has a new id, so the numbers of an earlier one are not confused with its own. */
  readonly #id = newId();
  readonly #options: NewsExchangeOptions;
  readonly #times: PeopleTimes;
  readonly #rooms: Rooms;
  /** When the last news of each other gateway came. */
  readonly #lastNewsAt = new Map<string, number>();
  readonly #answers = new Set<TrackedRoom>();
  #queued: Required<Pick<News, Lists>> = emptyLists();
  #isFlushQueued = false;
  #number = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: NewsExchangeOptions, rooms: Rooms) {
    this.#options = options;
    this.#times = options.peopleTimes ?? PEOPLE_TIMES;
    this.#rooms = rooms;
  }

  /** Numbers the next change. */
  nextNumber(): number {
    return ++this.#number;
  }

  /** Does nothing at the second call. */
  start(): void {
    if (this.#timer || this.#isClosed) return;
    const { subscriber, names, log } = this.#options;
    this.#timer = setInterval(() => this.#beat(), this.#times.beatEveryMs).unref();
    subscriber.subscribe(names.people, this.#receivePayload).then(
      () => this.resync(),
      // The next connection to Redis subscribes again.
      (error: unknown) => log.debug({ error }, 'the news of other gateways could not be subscribed'),
    );
  }

  /** Publications may have been lost. Asks for every followed room again. */
  resync(): void {
    if (!this.#timer) return;
    this.#beat();
    this.#askAll();
  }

  /** Asks other gateways for the members of the room. @param of only this gateway */
  ask(room: TrackedRoom, of?: string): void {
    if (this.#lastNewsAt.size === 0) return;
    this.#queued.questions.push({ roomId: room.id, of });
    this.#flushSoon();
  }

  /** Call this when the members of the room on this gateway are found. */
  answer(room: TrackedRoom): void {
    if (room.followers.size === 0) return;
    this.#answers.add(room);
    this.#flushSoon();
  }

  /** Queues what changed in a room for the gateways that follow it. */
  report(room: TrackedRoom, typing: string[]): void {
    const unpublished = room.takeUnpublished();
    const hasFollowers = room.hasFollowers();
    if (typing.length > 0 && hasFollowers) this.#queued.typing.push({ roomId: room.id, users: typing });
    if (!unpublished) return;
    const after = room.publishedNumber;
    // The number also grows without a follower, so that a gateway that missed this change notices it.
    room.publishedNumber = this.nextNumber();
    if (hasFollowers)
      this.#queued.changes.push({ roomId: room.id, after, number: room.publishedNumber, ...unpublished });
  }

  /** Publishes what is queued. */
  flush(): void {
    this.#isFlushQueued = false;
    if (this.#isClosed) return;
    const { follows, questions, heads, changes, typing } = this.#queued;
    this.#queued = emptyLists();
    for (const part of parts(follows)) this.#publish({ follows: part });
    for (const part of parts(questions)) this.#publish({ questions: part });
    // The state of a room can be long, so each has a publication.
    for (const { id: roomId, publishedNumber: number, local } of this.#answers)
      this.#publish({ states: [{ roomId, number, users: [...local] }] });
    this.#answers.clear();
    for (const part of parts(changes)) this.#publish({ changes: part });
    for (const part of parts(typing)) this.#publish({ typing: part });
    for (const part of parts(heads)) this.#publish({ heads: part });
  }

  /** Forgets the gateways that have been silent for the lease. */
  dropSilent(): void {
    const silentSince = performance.now() - this.#times.leaseMs;
    for (const [gatewayId, lastNewsAt] of this.#lastNewsAt) if (lastNewsAt < silentSince) this.#drop(gatewayId);
  }

  close(): void {
    if (this.#timer && this.#lastNewsAt.size > 0) this.#publish({ isGone: true });
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#options.subscriber.unsubscribe(this.#options.names.people, this.#receivePayload);
  }

  /** A gateway that is alone only says that it runs. */
  #beat(): void {
    this.#publish({});
    if (this.#lastNewsAt.size === 0) return;
    for (const room of this.#rooms.all.values()) {
      if (room.isFollowed) this.#queued.follows.push(room.id);
      if (room.isRead && room.hasFollowers())
        this.#queued.heads.push({ roomId: room.id, number: room.publishedNumber });
    }
    this.flush();
  }

  readonly #receivePayload = (payload: string): void => {
    const news = this.#options.payloads.read('people', payload, (text) => decodeVersioned(PeopleNews, text));
    if (!news || news.from === this.#id || this.#isClosed) return;
    if (news.isGone) this.#drop(news.from);
    else this.#receive(news);
  };

  #receive({ from, follows, questions, heads, states, changes, typing }: PeopleNews): void {
    this.#meet(from);
    for (const roomId of follows) this.#addFollower(roomId, from);
    for (const { roomId, of = this.#id } of questions) {
      if (of !== this.#id) continue;
      const room = this.#addFollower(roomId, from);
      if (room.isRead) this.answer(room);
    }
    for (const state of states) this.#followed(state.roomId)?.replaceRemote(from, state);
    for (const change of changes) {
      const room = this.#followed(change.roomId);
      if (room && !room.applyRemote(from, change)) this.ask(room, from);
    }
    for (const { roomId, users } of typing) this.#followed(roomId)?.typists.addRemote(users);
    for (const { roomId, number } of heads) {
      const room = this.#followed(roomId);
      if (room && room.remote.get(from)?.number !== number) this.ask(room, from);
    }
  }

  #meet(gatewayId: string): void {
    const isNew = !this.#lastNewsAt.has(gatewayId);
    this.#lastNewsAt.set(gatewayId, performance.now());
    if (!isNew) return;
    this.#beat();
    this.#askAll(gatewayId);
  }

  #askAll(of?: string): void {
    for (const room of this.#rooms.all.values()) if (room.isFollowed) this.ask(room, of);
  }

  #addFollower(roomId: string, gatewayId: string): TrackedRoom {
    const room = this.#rooms.track(roomId);
    room.followers.set(gatewayId, performance.now() + this.#times.leaseMs);
    return room;
  }

  #followed(roomId: string): TrackedRoom | undefined {
    const room = this.#rooms.all.get(roomId);
    return room?.isFollowed ? room : undefined;
  }

  #drop(gatewayId: string): void {
    this.#lastNewsAt.delete(gatewayId);
    for (const room of this.#rooms.all.values()) {
      room.followers.delete(gatewayId);
      room.dropRemote(gatewayId);
    }
  }

  #flushSoon(): void {
    if (this.#isFlushQueued) return;
    this.#isFlushQueued = true;
    setImmediate(() => this.flush());
  }

  #publish(news: News): void {
    const { publishNews, log } = this.#options;
    publishNews(encodeVersioned({ ...news, from: this.#id })).catch((error: unknown) =>
      log.debug({ error }, 'news for other gateways could not be published'),
    );
  }
}

function emptyLists(): Required<Pick<News, Lists>> {
  return { follows: [], questions: [], heads: [], changes: [], typing: [] };
}

function* parts<T>(items: T[]): Iterable<T[]> {
  for (let first = 0; first < items.length; first += MAX_ROOMS_OF_NEWS)
    yield items.slice(first, first + MAX_ROOMS_OF_NEWS);
}
