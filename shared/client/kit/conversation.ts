import { newId } from '../../contract/ids.ts';
import { wait } from '../../wait.ts';
import type { ClientUnderTest, Order, Outcome, StartClient } from './client-under-test.ts';
import type { KitRoom, KitUser } from './room.ts';
import { Rules, textOf } from './rules.ts';
import { KitServer } from './server.ts';
import type { KitSocket } from './socket.ts';
import { afterTicks, TICK_MS } from './ticks.ts';
import { World } from './world.ts';

/** The longest wait for one step of the client. */
const STEP_TIMEOUT_TICKS = 90;
/** More connections than this in one case are a storm. */
const MAX_SOCKETS = 12;
/** During a move to another gateway, a client has two sockets. */
const MAX_OPEN_SOCKETS = 2;
/** The key of the command that ends a case. */
const LAST_KEY = 1_000;

/** A client, the server that it uses, and what a case does with them. */
export class Conversation {
  readonly world = new World();
  /** The user of the client. */
  readonly user: KitUser = this.world.addUser('Client');
  /** Another user, who owns the rooms and writes messages. */
  readonly peer: KitUser = this.world.addUser('Peer');
  readonly rules = new Rules(this.user.id);
  readonly server: KitServer;
  readonly room: KitRoom;
  readonly #stepTimeoutTicks: number;
  #client: ClientUnderTest | undefined;
  #failure: string | undefined;
  readonly #checks = new Set<() => void>();

  constructor(stepTimeoutTicks = STEP_TIMEOUT_TICKS) {
    this.#stepTimeoutTicks = stepTimeoutTicks;
    this.server = new KitServer(this.world, this.rules, () => this.#changed());
    this.room = this.addRoom('first room');
    this.write(2);
  }

  /** Starts the server and the client. */
  async start(startClient: StartClient): Promise<void> {
    const url = await this.server.listen();
    this.#client = startClient({
      onReport: (report) => {
        this.rules.note('the client writes', report);
        this.rules.reported(report);
        this.#changed();
      },
      onFailure: (why) => this.fail(why),
    });
    const { email, password } = this.user;
    this.#write({ do: 'start', url, email, password });
  }

  /** @returns why the client has failed, if it has */
  async stop(): Promise<string | undefined> {
    await this.#client?.stop();
    this.server.close();
    return this.#failure ?? this.rules.firstBroken;
  }

  /** Ends the case. */
  fail(why: string): void {
    this.#failure ??= why;
    this.#changed();
  }

  /** Creates a room of the peer, with the client as a member. */
  addRoom(name: string): KitRoom {
    const { roomId } = this.world.apply(this.peer.id, { command: 'CreateRoom', text: name, roomType: 'Private' });
    const room = this.world.room(roomId);
    this.add(room);
    return room;
  }

  /** @throws Error if there is no such room */
  roomNamed(name: string): KitRoom {
    const room = [...this.world.rooms.values()].find((each) => each.name === name);
    if (!room) throw new Error(`there is no room ${name}`);
    return room;
  }

  /** As after the restore of a backup: the seqs that the client knows mean nothing now. */
  changeEpoch(): void {
    this.world.epoch = newId();
    this.rules.streams.forget();
  }

  add({ id: roomId }: KitRoom): void {
    this.world.apply(this.peer.id, { command: 'AddUser', roomId, targetId: this.user.id });
  }

  remove({ id: roomId }: KitRoom): void {
    this.world.apply(this.peer.id, { command: 'RemoveUser', roomId, targetId: this.user.id });
  }

  /** The peer writes messages. */
  write(count = 1, { id: roomId, rows } = this.room): void {
    for (let index = 0; index < count; index++)
      this.world.apply(this.peer.id, { command: 'CreateMessage', roomId, text: `message ${rows.length + 1}` });
  }

  /** Asks the client to send a message. */
  send(key: number, { id: roomId } = this.room): void {
    this.#write({ do: 'send', key, roomId, text: textOf(key) });
  }

  /** Asks the client to send a message, and waits until the client says that it is committed. */
  async commit(key: number): Promise<void> {
    this.send(key);
    await this.committed(key);
  }

  /** Waits for the socket with this number, 1 for the first, until its client has sent its positions. */
  socket(number: number): Promise<KitSocket> {
    return this.until(`connection ${number} and its last Resume frame`, () => {
      const socket = this.server.sockets[number - 1];
      return socket?.positions && socket;
    });
  }

  /** Waits until the server has received a command. */
  async received(key: number): Promise<void> {
    await this.until(`command ${key} is sent`, () => this.timesOf(key).length > 0);
  }

  /** @returns when the command was received, in milliseconds */
  timesOf(key: number): number[] {
    return this.rules.commands.filter((each) => each.key === key).map(({ atMs }) => atMs);
  }

  /** Waits until the client says what became of its command. */
  outcome(key: number): Promise<Outcome> {
    return this.until(`the outcome of command ${key}`, () => this.rules.outcomes.get(key));
  }

  async committed(key: number): Promise<void> {
    const outcome = await this.outcome(key);
    if (outcome.outcome !== 'committed') this.rules.broken(`command ${key} was committed, not ${outcome.code}`);
  }

  /** Waits until the client has handled every message of every room. */
  async caughtUp(): Promise<void> {
    const behind = () =>
      this.world
        .roomsOf(this.user.id)
        .map((room) => this.#missingIn(room))
        .find(Boolean);
    await this.until(
      () => `every message of every room is handled. ${behind()}`,
      () => !behind(),
    );
  }

  /** Waits until the client has handled this message. */
  async handled(seq: number, { id } = this.room): Promise<void> {
    await this.until(`message ${seq} is handled`, () => (this.rules.streams.rooms.get(id)?.handled ?? 0) >= seq);
  }

  /** Waits for one more message and one more command. What the client does too much comes before them. */
  async finish(): Promise<void> {
    this.write();
    await this.commit(LAST_KEY);
    await this.caughtUp();
  }

  /**
   * Waits until `check` finds something.
   * @param what for the report
   * @throws Error if the client breaks a rule, or after the timeout
   */
  async until<T>(what: string | (() => string), check: () => T | undefined | false): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const checkNow = () => {
      const why = this.#failure ?? this.rules.firstBroken;
      if (why) return reject(new Error(why));
      const found = check();
      if (found !== undefined && found !== false) resolve(found);
    };
    const seconds = (this.#stepTimeoutTicks * TICK_MS) / 1_000;
    const timer = afterTicks(this.#stepTimeoutTicks, () => {
      reject(new Error(`the kit waited ${seconds} seconds for this: ${typeof what === 'string' ? what : what()}`));
    });
    this.#checks.add(checkNow);
    checkNow();
    try {
      return await promise;
    } finally {
      clearInterval(timer);
      this.#checks.delete(checkNow);
    }
  }

  /** Waits for what must not come. */
  async pause(ms: number): Promise<void> {
    await Promise.race([wait(ms), this.until('the end of a pause', () => undefined)]);
  }

  /** @throws Error if the condition is false */
  expect(condition: boolean, rule: string): void {
    if (!condition) throw new Error(rule);
  }

  #write(order: Order): void {
    this.rules.note('the kit writes', order);
    this.#client?.write(order);
  }

  /** @returns what the client still has to do in a room */
  #missingIn({ id, rows }: KitRoom): string | undefined {
    const { handled = 0, resync } = this.rules.streams.rooms.get(id) ?? {};
    if (resync !== undefined) return `The history of the room ${id} is not loaded`;
    return handled === rows.length ? undefined : `In the room ${id}, ${handled} is handled, not yet ${rows.length}`;
  }

  #changed(): void {
    const { sockets, openSockets } = this.server;
    if (sockets.length > MAX_SOCKETS) this.rules.broken(`a storm: ${sockets.length} connections`);
    if (openSockets.length > MAX_OPEN_SOCKETS) this.rules.broken(`${openSockets.length} sockets at the same time`);
    for (const check of [...this.#checks]) check();
  }
}
