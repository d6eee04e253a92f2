import type { RoomsClient } from '../../../shared/client/rooms-client.ts';
import { State } from '../ui/state.ts';
import type { RoomRecord } from './room-record.ts';

const PAGE_SIZE = 100;

interface OpenRoomsState {
  rooms: readonly RoomRecord[];
  hasMore: boolean;
  error: unknown;
}

/** The rooms that the user may join, page by page. */
export class OpenRooms {
  readonly #client: Pick<RoomsClient, 'request' | 'rooms'>;
  readonly #state = new State<OpenRoomsState>({ rooms: [], hasMore: true, error: undefined });
  #pages = 0;
  #isLoading = false;

  constructor(client: Pick<RoomsClient, 'request' | 'rooms'>) {
    this.#client = client;
  }

  readonly getSnapshot = () => this.#state.getSnapshot();
  readonly subscribe = (listener: () => void) => this.#state.subscribe(listener);

  /** Loads the next page. Does nothing while a page is loaded. */
  async load(): Promise<void> {
    if (this.#isLoading) return;
    this.#isLoading = true;
    try {
      const path = `/api/rooms?page=${this.#pages + 1}&size=${PAGE_SIZE}`;
      const { body } = await this.#client.request<RoomRecord[]>('GET', path);
      this.#pages++;
      // The rooms of the user come first in the answer.
      const others = body.filter(({ id }) => !this.#client.rooms.has(id));
      const rooms = [...this.getSnapshot().rooms, ...others];
      this.#state.set({ rooms, hasMore: body.length === PAGE_SIZE, error: undefined });
    } catch (error) {
      this.#state.set({ ...this.getSnapshot(), error });
    } finally {
      this.#isLoading = false;
    }
  }
}
