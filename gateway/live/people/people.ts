import { limits } from '../../../shared/contract/limits.ts';
import type { Metrics } from '../../../shared/metrics.ts';
import type { AttachedUser, LiveSocket } from '../attached-user.ts';
import type { Slices } from '../slices.ts';
import { encodeChange, encodeState, encodeTyping, peopleTopic } from './encode-people.ts';
import { MemberScan, roomsOf } from './member-scan.ts';
import { NewsExchange, type NewsExchangeOptions } from './news-exchange.ts';
import { PEOPLE_TIMES, type PeopleTimes } from './people-times.ts';
import { TrackedRoom } from './tracked-room.ts';
import { WatchLists } from './watch-lists.ts';

/** A refresh that comes so much too late shows that the event loop is busy. */
const MAX_LATE_MS = 200;

export interface PeopleOptions extends NewsExchangeOptions {
  /** Sends a frame to every socket on a topic. */
  publish: (topic: string, frame: string) => void;
  /** The number of commands without an outcome. */
  pendingCommands: () => number;
  metrics: Pick<Metrics, 'droppedTyping'>;
}

/**
 * Shows the sockets that watch a room which members are online and which type. A room that nobody watches costs nothing,
 * and a message costs nothing either (docs/decisions/0012).
 */
export class People {
  readonly #options: PeopleOptions;
  readonly #times: PeopleTimes;
  readonly #slices: Slices;
  readonly #rooms = new Map<string, TrackedRoom>();
  readonly #lists: WatchLists;
  readonly #scan: MemberScan;
  readonly #exchange: NewsExchange;
  readonly #timer: NodeJS.Timeout;
  #isRefreshing = false;
  #refreshedAt = performance.now();
  #isBusy = false;

  /** @param users all users of this gateway */
  constructor(options: PeopleOptions, slices: Slices, users: () => Iterable<AttachedUser>) {
    this.#options = options;
    this.#times = options.peopleTimes ?? PEOPLE_TIMES;
    this.#slices = slices;
    this.#lists = new WatchLists({
      slices,
      addWatcher: (socket, roomId) => this.#addWatcher(socket, roomId),
      removeWatcher: (socket, roomId) => this.#removeWatcher(socket, roomId),
    });
    this.#scan = new MemberScan(slices, users, (room) => this.#handleRead(room));
    this.#exchange = new NewsExchange(options, { all: this.#rooms, track: (roomId) => this.#track(roomId) });
    this.#timer = setInterval(() => void this.#refresh(), this.#times.refreshEveryMs).unref();
  }

  /** Call this when a socket of the user is attached. A second call does nothing. */
  enter(user: AttachedUser): void {
    this.#exchange.start();
    if (user.isPresent) return;
    user.isPresent = true;
    for (const room of roomsOf(user, this.#rooms)) room.enter(user.id);
  }

  /** Call this when the last socket of the user has closed, while the user still has their rooms. */
  leave(user: AttachedUser): void {
    if (!user.isPresent) return;
    user.isPresent = false;
    for (const room of roomsOf(user, this.#rooms)) room.leave(user.id);
  }

  joinRoom(user: AttachedUser, roomId: string): void {
    if (user.isPresent) this.#rooms.get(roomId)?.enter(user.id);
  }

  /** In this tick, the sockets of the user leave the topic too. So nobody sees the people of a room after its last message. */
  leaveRoom(user: AttachedUser, roomId: string): void {
    this.#rooms.get(roomId)?.leave(user.id);
    this.#lists.leaveRoom(user, roomId);
  }

  /** Replaces the rooms that the socket watches. */
  watch(socket: LiveSocket, roomIds: string[]): void {
    this.#lists.set(socket, roomIds);
  }

  /** Call this when the socket has closed, while it still has its attachment. */
  forget(socket: LiveSocket): void {
    this.#lists.forget(socket);
  }

  /** Drops the frame if nobody watches the room, if it comes too often, or if the gateway is busy. */
  type(user: AttachedUser, roomId: string): void {
    const room = this.#rooms.get(roomId);
    if (!room || !user.rooms.has(roomId)) return;
    if (this.#isBusy) this.#options.metrics.droppedTyping.inc({ reason: 'busy' });
    else if (!room.typists.accept(user.id)) this.#options.metrics.droppedTyping.inc({ reason: 'too_often' });
  }

  /** Call this after a reconnect to Redis. */
  resync(): void {
    this.#exchange.resync();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#scan.close();
    this.#exchange.close();
    this.#rooms.clear();
  }

  #track(roomId: string): TrackedRoom {
    const known = this.#rooms.get(roomId);
    if (known) return known;
    const room = new TrackedRoom(roomId, this.#exchange.nextNumber());
    this.#rooms.set(roomId, room);
    this.#scan.add(room);
    return room;
  }

  #addWatcher(socket: LiveSocket, roomId: string): void {
    const room = this.#track(roomId);
    if (room.watchers.size === 0) this.#beginToShow(room);
    room.watchers.add(socket);
    if (room.isRead) show(room, socket);
  }

  #beginToShow(room: TrackedRoom): void {
    if (!room.isFollowed) this.#exchange.ask(room);
    room.isFollowed = true;
    room.showAll();
  }

  #removeWatcher(socket: LiveSocket, roomId: string): void {
    socket.leave(peopleTopic(roomId));
    const room = this.#rooms.get(roomId);
    if (!room?.watchers.delete(socket)) return;
    if (room.watchers.size === 0) room.unwatchedAt = performance.now();
  }

  #handleRead(room: TrackedRoom): void {
    room.isRead = true;
    room.showAll();
    for (const socket of room.watchers) show(room, socket);
    this.#exchange.answer(room);
  }

  async #refresh(): Promise<void> {
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    this.#measureLoad();
    this.#exchange.dropSilent();
    await this.#lists.applyLate();
    await this.#slices.run(this.#rooms.values(), (room) => this.#refreshRoom(room));
    this.#exchange.flush();
    this.#isRefreshing = false;
  }

  #measureLoad(): void {
    const lateMs = performance.now() - this.#refreshedAt - this.#times.refreshEveryMs;
    this.#refreshedAt = performance.now();
    this.#isBusy = lateMs > MAX_LATE_MS || this.#options.pendingCommands() > limits.MAX_COMMANDS_WITH_TYPING;
  }

  #refreshRoom(room: TrackedRoom): void {
    if (!room.isRead) return;
    const typing = this.#takeTyping(room);
    this.#exchange.report(room, typing.local);
    if (room.watchers.size > 0) this.#publishChanges(room, typing.all);
    else if (performance.now() - room.unwatchedAt > this.#times.lingerMs) room.unfollow();
    if (!room.isFollowed && !room.hasFollowers()) this.#rooms.delete(room.id);
  }

  #takeTyping(room: TrackedRoom): { local: string[]; all: string[] } {
    const { local, all, count } = room.typists.take();
    if (!this.#isBusy) return { local, all };
    if (count > 0) this.#options.metrics.droppedTyping.inc({ reason: 'busy' }, count);
    return { local: [], all: [] };
  }

  #publishChanges(room: TrackedRoom, typing: string[]): void {
    const { came, went } = room.takeShownChange(this.#times.graceMs);
    const topic = peopleTopic(room.id);
    if (came.length + went.length > 0) this.#options.publish(topic, encodeChange(room.id, room.shown, came, went));
    if (typing.length > 0) this.#options.publish(topic, encodeTyping(room.id, typing));
  }
}

/** The socket gets the state, and joins the topic of its changes, in one tick. */
function show(room: TrackedRoom, socket: LiveSocket): void {
  socket.join(peopleTopic(room.id));
  socket.send(encodeState(room.id, room.shown));
}
