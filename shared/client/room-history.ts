import { Backoff } from './backoff.ts';
import { EMPTY_ROOM, fold, type RoomState } from './fold.ts';
import type { Answer, Method } from './http.ts';
import type { Message, Person } from './protocol.ts';
import { Refused } from './refused.ts';

export type HistoryStatus = 'loading' | 'ready' | 'gone';

export interface HistoryOptions {
  roomId: string;
  /** The messages of a page, 1 to 100. */
  size: number;
  /** The most messages in memory, and the most that wait for a page. */
  maxMessages: number;
  request<T>(method: Method, path: string): Promise<Answer<T>>;
  /** @returns the seq of the last message of the stream of this room, if the user is a member */
  position(): number | undefined;
  onChange(): void;
}

interface RoomRecord {
  name: string;
  users: Person[];
}

/** The history of a room, joined with the stream: pages over HTTP, then each message that follows them. */
export class RoomHistory {
  state: RoomState = EMPTY_ROOM;
  status: HistoryStatus = 'loading';
  hasOlder = false;
  readonly people = new Map<string, Person>();
  readonly #options: HistoryOptions;
  readonly #backoff = new Backoff();
  /** Counts the loads. The answer of an earlier load is dropped. */
  #load = 0;
  /** The messages of the stream that arrive while a page is read. */
  #held: Message[] | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  /** Reads the newest page. The messages of the stream wait meanwhile. */
  async load(): Promise<void> {
    const load = ++this.#load;
    clearTimeout(this.#timer);
    this.#held = [];
    this.status = 'loading';
    this.#options.onChange();
    try {
      const page = await this.#readPage('');
      // The members are read after the page. So no change of the members comes between the page and the stream.
      const { body } = await this.#options.request<RoomRecord>('GET', `/api/rooms/${this.#options.roomId}`);
      if (load === this.#load) this.#show(page, body);
    } catch (error) {
      if (load === this.#load) this.#failed(error);
    }
  }

  /** Takes the next message of the stream. */
  push(message: Message): void {
    if (this.#held) return void this.#hold(message);
    if (message.seq > this.state.seq + 1) return void this.load();
    this.#fold(message);
    this.#options.onChange();
  }

  /** Loads again if the stream has moved on without this history. */
  check(): void {
    if (!this.#held && this.#isBehind()) void this.load();
  }

  /** Adds a page of older messages. @returns false if there is none, or if the memory of the view is full */
  async loadOlder(): Promise<boolean> {
    const { messages } = this.state;
    const load = this.#load;
    if (!this.hasOlder || !messages[0] || messages.length + this.#options.size > this.#options.maxMessages)
      return false;
    const { body } = await this.#readPage(`&before=${messages[0].seq}`);
    if (load !== this.#load || this.state.messages[0] !== messages[0]) return false;
    this.hasOlder = body.length === this.#options.size;
    this.state = { ...this.state, messages: [...body.toReversed(), ...this.state.messages] };
    this.#options.onChange();
    return body.length > 0;
  }

  close(): void {
    this.#load++;
    clearTimeout(this.#timer);
  }

  #readPage(range: string): Promise<Answer<Message[]>> {
    const { roomId, size, request } = this.#options;
    return request('GET', `/api/messages/${roomId}?size=${size}${range}`);
  }

  #show({ body, headers }: Answer<Message[]>, room: RoomRecord): void {
    const seq = headers.get('rooms-seq');
    if (seq === null) throw new Error('no header Rooms-Seq');
    const held = this.#held ?? [];
    for (const person of room.users) this.people.set(person.id, person);
    this.state = {
      seq: Number(seq),
      name: room.name,
      messages: body.toReversed(),
      memberIds: room.users.map(({ id }) => id),
      isDeleted: false,
    };
    this.hasOlder = body.length === this.#options.size;
    for (const message of held) this.#fold(message);
    if (this.#isBehind()) return void this.#loadLater();
    this.#held = undefined;
    this.status = 'ready';
    this.#backoff.reset();
    this.#options.onChange();
  }

  #fold(message: Message): void {
    const { maxMessages } = this.#options;
    this.state = fold(this.state, message);
    if (this.state.messages.length <= maxMessages) return;
    this.state = { ...this.state, messages: this.state.messages.slice(-maxMessages) };
    this.hasOlder = true;
  }

  #hold(message: Message): void {
    // Without the messages that are dropped here, the page is behind the stream. Then it is read again.
    if ((this.#held?.length ?? 0) < this.#options.maxMessages) this.#held?.push(message);
  }

  #isBehind(): boolean {
    return (this.#options.position() ?? 0) > this.state.seq;
  }

  #failed(error: unknown): void {
    if (error instanceof Refused && error.retry === 'no') {
      this.#held = undefined;
      this.status = 'gone';
      return void this.#options.onChange();
    }
    this.#loadLater();
  }

  #loadLater(): void {
    this.#timer = setTimeout(() => this.load(), this.#backoff.next());
  }
}
