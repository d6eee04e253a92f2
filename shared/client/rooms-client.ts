import type { ClientEvents, ClientOptions } from './client-options.ts';
import { Connection, type State, type Transition } from './connection.ts';
import { Events } from './events.ts';
import type { GatewaySocket, SocketClass } from './gateway-socket.ts';
import { type Answer, Http, type Method } from './http.ts';
import { type KnownRoom, KnownRooms } from './known-rooms.ts';
import { MessageStream } from './message-stream.ts';
import { newRef } from './new-ref.ts';
import { Outbox, type Pending } from './outbox.ts';
import { endsMembership } from './positions.ts';
import type { Ack, ClientFrame, Command, Frame, Message, Welcome } from './protocol.ts';
import { Receiver } from './receiver.ts';
import { Refused } from './refused.ts';
import { RoomView, type ViewOptions } from './room-view.ts';
import { MemoryStore, type Store } from './store.ts';
import { StoredPositions } from './stored-positions.ts';

/** The reason of the last transition. */
const CLOSE = 'close';
/** The entry of the store with the id of its user. */
const USER = 'user';
const MAX_UNREAD_MESSAGES = 1_000;

/** The part of a browser with the event that the network is back. */
const browser = globalThis as { addEventListener?(name: string, listener: () => void): void };

/** A client of Rooms for one user. It stays connected, and loses no message and no command. */
export class RoomsClient {
  readonly #http: Http;
  readonly #store: Store;
  readonly #stored: StoredPositions | undefined;
  readonly #events = new Events<ClientEvents>();
  readonly #rooms = new KnownRooms();
  readonly #outbox: Outbox;
  readonly #receiver: Receiver;
  readonly #connection: Connection;
  readonly #opened: Promise<void>;
  #stream: MessageStream | undefined;
  #hadStream = false;
  #isClosed = false;
  /** The user of the store. */
  #ownerId: string | undefined;

  constructor(options: ClientOptions) {
    const { store = new MemoryStore(), keepPositions, most, WebSocket = globalThis.WebSocket as SocketClass } = options;
    const onError = (error: unknown) => this.#events.emit('error', error);
    this.#http = new Http(options);
    this.#store = store;
    this.#stored = keepPositions ? new StoredPositions(store, onError) : undefined;
    this.#outbox = new Outbox({
      ...{ store, onError },
      onPending: (pending) => this.#events.emit('sending', pending),
      onOutcome: (outcome) => this.#events.emit('outcome', outcome),
      onLogin: (code) => this.#connection.renew(code),
    });
    this.#receiver = new Receiver({
      most,
      send: (frame) => this.#connection.current?.send(frame),
      isFull: () => this.#stream?.isFull ?? false,
      onMessage: (message) => this.#deliver(message),
      onResync: (roomId, seq) => this.#resync(roomId, seq),
      onLeft: (roomId) => this.#leave(roomId),
      onRecovered: (isLive, reason) => this.#connection.recovered(isLive, reason),
    });
    this.#connection = new Connection({
      ...{ http: this.#http, WebSocket },
      onOpen: () => this.#receiver.hello(),
      onWelcome: (welcome, socket) => this.#welcome(welcome, socket),
      onFrame: (frame, socket) => this.#receive(frame, socket),
      onEnd: (socket) => this.#outbox.lose(socket),
      isNeeded: (socket) => this.#outbox.waitsFor(socket),
      onTransition: (transition) => this.#transition(transition),
    });
    this.#opened = this.#open();
    this.#opened.catch(onError);
    browser.addEventListener?.('online', () => this.state === 'offline' && this.#connection.connect('online'));
  }

  get state(): State {
    return this.#connection.state;
  }

  /** The user of the connection. Undefined before the first connection. */
  get userId(): string | undefined {
    return this.#receiver.positions.userId;
  }

  /** The rooms of the user, with their names and types. */
  get rooms(): ReadonlyMap<string, KnownRoom> {
    return this.#rooms.all;
  }

  /** The commands without an outcome. */
  get outbox(): Pending[] {
    return this.#outbox.pending;
  }

  /** Connects, and stays connected. Ends a wait. @returns when the client is `live` @throws Refused if it is `closed` */
  connect(): Promise<void> {
    const live = this.#opened.then(() => {
      if (this.#isClosed) throw new Refused('closed');
      this.#connection.connect('connect');
      return this.#live();
    });
    // The caller may leave the promise alone: the event `state` has the same.
    live.catch(() => undefined);
    return live;
  }

  /** Ends the client. Commands without an outcome stay in the store. A closed client does not connect again. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#connection.close(CLOSE);
    this.#receiver.close();
    await this.#outbox.close();
    await this.#stored?.flush();
  }

  /** @returns a function that removes the listener */
  on<K extends keyof ClientEvents>(name: K, listener: (event: ClientEvents[K]) => unknown): () => void {
    return this.#events.on(name, listener);
  }

  /**
   * Sends a command. The client sends it again, with the same ref, until it has the true outcome.
   * @param ref a UUID. The same ref again in the same room has no second effect
   * @returns when the command is committed @throws Refused when it is refused, and has no effect
   */
  send(command: Command, ref = newRef()): Promise<Ack> {
    return this.#outbox.add(command, ref);
  }

  /** Sends a message to a room. */
  write(roomId: string, text: string, ref?: string): Promise<Ack> {
    return this.send({ command: 'CreateMessage', roomId, text }, ref);
  }

  /**
   * Sends a frame that is not a command, such as `Typing`, if a connection is in use. Nothing sends it again.
   * @returns true if it was sent
   */
  sendFrame(frame: ClientFrame): boolean {
    this.#connection.current?.send(frame);
    return !!this.#connection.current;
  }

  /** Sends an HTTP request with the token of the user. @throws Refused */
  request<T>(method: Method, path: string, body?: unknown): Promise<Answer<T>> {
    return this.#http.request(method, path, body);
  }

  /** @returns the seq of the last message of the room that has arrived, if the user is a member */
  positionOf(roomId: string): number | undefined {
    return this.#receiver.positions.of(roomId);
  }

  /** Opens a view of one room. Close it when the page no longer shows the room. */
  room(roomId: string, options?: ViewOptions): RoomView {
    return new RoomView(this, roomId, options);
  }

  /**
   * Reads the messages of all rooms. A message counts as handled when the reader asks for the next one. There is one
   * reader at a time. If 1,000 messages wait for it, the client takes no more, and asks the gateway for them later.
   */
  messages(): MessageStream {
    if (this.#stream) throw new Error('there is a reader already');
    this.#hadStream = true;
    this.#stream = new MessageStream({
      limit: MAX_UNREAD_MESSAGES,
      onHandled: (message) => this.#handled(message),
      onRoom: () => this.#receiver.catchUp(),
      onClose: () => {
        this.#stream = undefined;
        if (this.state !== 'closed') this.#receiver.catchUp();
      },
    });
    return this.#stream;
  }

  async #open(): Promise<void> {
    await this.#outbox.opened();
    this.#ownerId = (await this.#store.entries(USER))[0]?.[1];
    const { positions } = this.#receiver;
    const stored = await this.#stored?.read();
    positions.epoch = stored?.epoch;
    for (const [roomId, seq] of stored?.positions ?? []) positions.set(roomId, seq);
  }

  #live(): Promise<void> {
    if (this.state === 'live') return Promise.resolve();
    return new Promise((resolve, reject) => {
      const off = this.on('state', ({ to, reason }) => {
        if (to === 'live') resolve();
        if (to === 'closed') reject(new Refused(reason));
        if (to === 'live' || to === 'closed') off();
      });
    });
  }

  #transition(transition: Transition): void {
    const { to, reason } = transition;
    this.#events.emit('state', transition);
    if (to === 'closed') this.#stream?.end(reason === CLOSE ? undefined : new Refused(reason));
  }

  #welcome(welcome: Welcome, socket: GatewaySocket): void {
    const { id } = welcome.user;
    // The commands and the positions of one user must not be sent as those of another.
    if (this.#ownerId && this.#ownerId !== id) return void this.#connection.close('other_user');
    if (!this.#ownerId) this.#store.change({ [USER]: id }).catch((error) => this.#events.emit('error', error));
    this.#ownerId = id;
    this.#enter(welcome);
    this.#rooms.welcome(welcome);
    this.#events.emit('rooms', this.rooms);
    this.#outbox.use(socket);
    this.#events.emit('frame', welcome);
  }

  /** Takes over the positions. The stream of a room that is new for this client begins where the gateway says. */
  #enter(welcome: Welcome): void {
    const { positions } = this.#receiver;
    const old = new Set(positions.roomIds);
    const isOtherEpoch = welcome.epoch !== (positions.epoch ?? welcome.epoch);
    if (welcome.epoch !== positions.epoch) {
      // The seqs of another epoch mean nothing now, also those of messages that wait for their reader.
      this.#stream?.clear();
      for (const roomId of old) this.#stored?.set(roomId, undefined);
      old.clear();
    }
    this.#receiver.welcome(welcome);
    this.#stored?.setEpoch(welcome.epoch);
    for (const roomId of positions.roomIds) if (!old.has(roomId)) this.#stored?.set(roomId, positions.of(roomId));
    // The connection may end before the gateway sends `Resync` for each room.
    if (isOtherEpoch) for (const { id, seq } of welcome.rooms) this.#resync(id, seq);
  }

  #receive(frame: Frame, socket: GatewaySocket): void {
    const isCurrent = socket === this.#connection.current;
    if (isCurrent) this.#events.emit('frame', frame);
    if (frame.command === 'Ack') return void this.#outbox.ack(frame);
    if (frame.command === 'Error' && frame.ref) return void this.#outbox.refuse(frame);
    this.#receiver.receive(frame, isCurrent);
    if (frame.command === 'Heads') this.#outbox.adopt();
  }

  #deliver(message: Message): void {
    if (this.#rooms.receive(message, this.userId)) this.#events.emit('rooms', this.rooms);
    this.#events.emit('message', message);
    if (this.#stream) this.#stream.push(message);
    else if (!this.#hadStream) this.#handled(message);
  }

  #handled(message: Message): void {
    this.#stored?.set(message.roomId, endsMembership(message, this.userId) ? undefined : message.seq);
  }

  #resync(roomId: string, seq: number): void {
    this.#stored?.set(roomId, seq);
    this.#events.emit('resync', { roomId, seq });
  }

  #leave(roomId: string): void {
    this.#rooms.leave(roomId);
    // While messages wait for their reader, some may be of this room. After a crash, they are delivered again.
    if (!this.#stream?.hasUnread) this.#stored?.set(roomId, undefined);
    this.#events.emit('left', { roomId });
    this.#events.emit('rooms', this.rooms);
  }
}
