import { EMPTY_ROOM, fold, type RoomState } from '../../../shared/client/fold.ts';
import type { KnownRoom } from '../../../shared/client/known-rooms.ts';
import type { Message, RoomType } from '../../../shared/client/protocol.ts';
import type { RoomsClient } from '../../../shared/client/rooms-client.ts';
import { State } from '../ui/state.ts';

/** Requests at the same time. */
const MAX_REQUESTS = 2;

export interface ListedRoom {
  id: string;
  /** Undefined until the name is loaded. */
  name: string | undefined;
  roomType: RoomType | undefined;
  /** The last message that a history shows, in its current state. Undefined until it is loaded. */
  last: Message | undefined;
}

type Source = Pick<RoomsClient, 'on' | 'request' | 'rooms' | 'positionOf'>;

/** The rooms of the user, with the last message of each. The room with the newest message comes first. */
export class RoomList {
  readonly #client: Source;
  readonly #state = new State<readonly ListedRoom[]>([]);
  readonly #records = new Map<string, KnownRoom>();
  readonly #lasts = new Map<string, RoomState>();
  readonly #waiting: (() => Promise<void>)[] = [];
  /** What was asked for and needs no second request. */
  readonly #asked = new Set<string>();
  readonly #offs: (() => void)[];
  #running = 0;

  constructor(client: Source) {
    this.#client = client;
    this.#offs = [
      client.on('rooms', () => this.#change()),
      client.on('message', (message) => this.#receive(message)),
      client.on('resync', ({ roomId }) => this.#forget(roomId)),
      client.on('left', ({ roomId }) => this.#forget(roomId)),
    ];
    this.#change();
  }

  readonly getSnapshot = () => this.#state.getSnapshot();
  readonly subscribe = (listener: () => void) => this.#state.subscribe(listener);

  close(): void {
    for (const off of this.#offs) off();
    this.#waiting.length = 0;
  }

  /** Loads what the row of this room shows. Call it when the row is visible. */
  show(roomId: string): void {
    if (!this.#lasts.has(roomId)) this.#ask(`last ${roomId}`, () => this.#loadLast(roomId));
    if (!this.#nameOf(roomId) || !this.#typeOf(roomId)) this.#ask(`record ${roomId}`, () => this.#loadRecord(roomId));
  }

  #receive(message: Message): void {
    const { roomId, name } = message;
    if (name) this.#records.set(roomId, { ...this.#records.get(roomId), name });
    const before = this.#lasts.get(roomId);
    // Only a message after the first load, or one that appends, says what the last one is.
    const after = fold(before ?? EMPTY_ROOM, message);
    if (before || after.messages.length > 0) this.#lasts.set(roomId, onlyLast(after));
    this.#change();
  }

  #forget(roomId: string): void {
    this.#lasts.delete(roomId);
    this.#asked.delete(`last ${roomId}`);
    this.#change();
  }

  #ask(key: string, load: () => Promise<void>): void {
    if (this.#asked.has(key)) return;
    this.#asked.add(key);
    this.#waiting.push(() => load().catch(() => void setTimeout(() => this.#asked.delete(key), 5_000)));
    void this.#loadNext();
  }

  async #loadNext(): Promise<void> {
    if (this.#running >= MAX_REQUESTS) return;
    const load = this.#waiting.shift();
    if (!load) return;
    this.#running++;
    await load();
    this.#running--;
    void this.#loadNext();
  }

  async #loadLast(roomId: string): Promise<void> {
    const { body, headers } = await this.#client.request<Message[]>('GET', `/api/messages/${roomId}?size=1`);
    const seq = Number(headers.get('rooms-seq'));
    // A message that came meanwhile is newer.
    if ((this.#lasts.get(roomId)?.seq ?? 0) >= seq) return;
    // An edit came meanwhile, and this answer does not have it yet.
    if ((this.#client.positionOf(roomId) ?? 0) > seq) return this.#loadLast(roomId);
    this.#lasts.set(roomId, { ...EMPTY_ROOM, seq, messages: body });
    this.#change();
  }

  async #loadRecord(roomId: string): Promise<void> {
    const { body } = await this.#client.request<Required<KnownRoom>>('GET', `/api/rooms/${roomId}`);
    this.#records.set(roomId, { name: body.name, roomType: body.roomType });
    this.#change();
  }

  #nameOf(roomId: string): string | undefined {
    return this.#client.rooms.get(roomId)?.name ?? this.#records.get(roomId)?.name;
  }

  #typeOf(roomId: string): RoomType | undefined {
    return this.#client.rooms.get(roomId)?.roomType ?? this.#records.get(roomId)?.roomType;
  }

  #change(): void {
    const rooms = [...this.#client.rooms.keys()].map((id) => ({
      id,
      name: this.#nameOf(id),
      roomType: this.#typeOf(id),
      last: this.#lasts.get(id)?.messages.at(-1),
    }));
    this.#state.set(rooms.toSorted(byNewest));
  }
}

const onlyLast = (state: RoomState): RoomState => ({ ...state, messages: state.messages.slice(-1) });

/** Rooms without a loaded message keep their order, after the others. */
function byNewest(a: ListedRoom, b: ListedRoom): number {
  return (b.last?.createdAt ?? '').localeCompare(a.last?.createdAt ?? '');
}
