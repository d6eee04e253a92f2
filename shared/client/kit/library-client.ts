import type { Message } from '../../contract/messages.ts';
import { newRef } from '../new-ref.ts';
import { RoomsClient } from '../rooms-client.ts';
import type { ClientUnderTest, Order, Report } from './client-under-test.ts';

/** The client library, as the kit tests it. */
export class LibraryClient implements ClientUnderTest {
  readonly #report: (report: Report) => void;
  readonly #keys = new Map<string, number>();
  /** The messages of rooms whose history is being loaded. */
  readonly #held = new Map<string, Message[]>();
  #client: RoomsClient | undefined;

  constructor(report: (report: Report) => void) {
    this.#report = report;
  }

  write(order: Order): void {
    if (order.do === 'start') this.#start(order);
    else this.#send(order);
  }

  async stop(): Promise<void> {
    await this.#client?.close();
  }

  #start({ url, email, password }: Extract<Order, { do: 'start' }>): void {
    const client = new RoomsClient({ url, email, password });
    this.#client = client;
    client.on('message', (message) => this.#take(message as Message));
    client.on('resync', ({ roomId, seq }) => this.#load(roomId, seq));
    client.on('outcome', ({ ref, ack, refused }) => {
      const key = this.#keys.get(ref) ?? 0;
      if (ack) this.#report({ outcome: 'committed', key, seq: ack.seq });
      else this.#report({ outcome: 'refused', key, code: refused.code });
    });
    client.connect().catch(() => undefined);
  }

  #send({ key, roomId, text }: Extract<Order, { do: 'send' }>): void {
    const ref = newRef();
    this.#keys.set(ref, key);
    this.#client?.write(roomId, text, ref).catch(() => undefined);
  }

  #take(message: Message): void {
    const held = this.#held.get(message.roomId);
    if (held) held.push(message);
    else this.#report({ message });
  }

  async #load(roomId: string, seq: number): Promise<void> {
    const held: Message[] = [];
    this.#held.set(roomId, held);
    const answer = await this.#client?.request('GET', `/api/messages/${roomId}`);
    if (!answer || this.#held.get(roomId) !== held) return;
    const loaded = Number(answer.headers.get('rooms-seq'));
    if (loaded < seq) return this.#load(roomId, seq);
    this.#held.delete(roomId);
    this.#report({ loaded: roomId, seq: loaded });
    for (const message of held) if (message.seq > loaded) this.#report({ message });
  }
}
