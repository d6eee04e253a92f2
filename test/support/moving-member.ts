import type { Ack } from '../../shared/contract/frames.ts';
import { Client } from './client.ts';
import type { CommandFrame } from './client-frames.ts';

/** A user with one socket. At a `GoingAway`, they move to the other gateway, as docs/protocol.md says. */
export class MovingMember {
  readonly #urls: string[];
  readonly #token: string;
  #urlIndex: number;
  #client: Client;
  /** Resolves when the member has a socket for new commands. */
  #ready: Promise<void> = Promise.resolve();
  /** For each socket: its commands without an outcome. */
  readonly #pending = new Map<Client, number>();
  moves = 0;

  private constructor(urls: string[], token: string, urlIndex: number, client: Client) {
    this.#urls = urls;
    this.#token = token;
    this.#urlIndex = urlIndex;
    this.#client = client;
    this.#watch(client);
  }

  static async open(urls: string[], token: string, urlIndex: number): Promise<MovingMember> {
    const client = await Client.connect(urls[urlIndex] as string, token);
    return new MovingMember(urls, token, urlIndex, client);
  }

  /** Sends a command once, and asserts that it is committed. */
  async commit(command: CommandFrame): Promise<Ack> {
    await this.#ready;
    const client = this.#client;
    this.#pending.set(client, (this.#pending.get(client) ?? 0) + 1);
    const ack = await client.commit(command);
    this.#pending.set(client, (this.#pending.get(client) ?? 0) - 1);
    if (client !== this.#client) void this.#leave(client);
    return ack;
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  #watch(client: Client): void {
    client.socket.on('message', (data) => {
      if (data.toString().includes('"GoingAway"')) this.#ready = this.#move(client);
    });
  }

  async #move(old: Client): Promise<void> {
    this.#urlIndex = (this.#urlIndex + 1) % this.#urls.length;
    this.#client = await Client.connect(this.#urls[this.#urlIndex] as string, this.#token);
    this.#watch(this.#client);
    this.moves++;
    await this.#leave(old);
  }

  /** Closes an old socket when all its commands have outcomes. */
  async #leave(old: Client): Promise<void> {
    if ((this.#pending.get(old) ?? 0) === 0) await old.close();
  }
}
