import type { Store } from './store.ts';

const EPOCH = 'epoch';
const PREFIX = 'position/';
/** After a crash, the messages of this time are delivered again. */
const WRITE_DELAY_MS = 500;

/** The positions in the store: up to which message the application has handled each room. */
export class StoredPositions {
  readonly #store: Store;
  readonly #onError: (error: unknown) => void;
  #changes: Record<string, string | undefined> = {};
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(store: Store, onError: (error: unknown) => void) {
    this.#store = store;
    this.#onError = onError;
  }

  async read(): Promise<{ epoch: string | undefined; positions: [roomId: string, seq: number][] }> {
    const epoch = (await this.#store.entries(EPOCH))[0]?.[1];
    const entries = await this.#store.entries(PREFIX);
    return { epoch, positions: entries.map(([key, seq]) => [key.slice(PREFIX.length), Number(seq)]) };
  }

  setEpoch(epoch: string): void {
    this.#set(EPOCH, epoch);
  }

  /** @param seq undefined if the user is no longer a member */
  set(roomId: string, seq: number | undefined): void {
    this.#set(PREFIX + roomId, seq?.toString());
  }

  /** Writes every change now. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const changes = this.#changes;
    this.#changes = {};
    await this.#store.change(changes);
  }

  #set(key: string, value: string | undefined): void {
    this.#changes[key] = value;
    this.#timer ??= setTimeout(() => this.flush().catch(this.#onError), WRITE_DELAY_MS);
  }
}
