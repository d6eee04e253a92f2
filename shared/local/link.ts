import type { Socket } from 'node:net';
import { type Pace, PacedPipe } from './paced-pipe.ts';

const SET_NAME = /\$7\r\nSETNAME\r\n\$\d+\r\n([^\r]+)\r\n/i;
const APPLICATION_NAME = /\0application_name\0([^\0]+)\0/;
const COMMAND = /\r\n(subscribe|bzpopmin|publish)\r\n/i;
const kindOfCommands = { subscribe: 'subscriber', bzpopmin: 'blocking', publish: 'producer' } as const;
const KINDS = ['subscriber', 'producer', 'consumer'] as const;

/** `blocking` is the connection on which a worker waits for its next job. */
export type LinkKind = 'postgres' | 'subscriber' | 'blocking' | 'producer' | 'consumer';

/** Sees bytes before the proxy passes them on. @returns what is passed on, or undefined for nothing */
export type Filter = (bytes: Buffer, link: Link) => Buffer | undefined;

/** What a proxy does with its links at this moment. */
export interface LinkRules {
  pace: Pace | undefined;
  /** For the bytes that clients send. */
  onRequest: Filter | undefined;
  /** For the bytes that the server sends. */
  onReply: Filter | undefined;
  /** What a client gets if the server accepts no connection. Undefined: a reset. */
  refusal: string | undefined;
  /** Asked for all bytes of a client. If true, the link passes nothing more, in both directions. */
  isDeaf(link: Link): boolean;
}

/** One connection through a proxy. */
export class Link {
  /** The name that the client gave the connection: `application_name` in Postgres, `CLIENT SETNAME` in Redis. */
  name = '';
  /** Undefined as long as the client has not shown it. */
  kind: LinkKind | undefined;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #rules: LinkRules;
  readonly #requests: PacedPipe;
  readonly #replies: PacedPipe;
  #isDeaf = false;
  #isConnected = false;

  /** @param server a socket that is still connecting */
  constructor(client: Socket, server: Socket, rules: LinkRules) {
    this.#client = client;
    this.#server = server;
    this.#rules = rules;
    this.#requests = new PacedPipe(client, server, () => rules.pace);
    this.#replies = new PacedPipe(server, client, () => rules.pace);
    for (const socket of [client, server]) socket.on('error', () => undefined);
    client.on('data', (bytes) => this.#carryRequest(bytes));
    client.on('end', () => this.#requests.end());
    client.on('close', (hadError) => (hadError || this.#isDeaf) && reset(server));
    server.on('connect', () => {
      this.#isConnected = true;
    });
    server.on('data', (bytes) => this.#carryReply(bytes));
    // The client of a deaf link must not see that the server has ended it.
    server.on('end', () => this.#isDeaf || this.#replies.end());
    server.on('close', (hadError) => hadError && !this.#isDeaf && this.#failClient());
  }

  /** From now on, the connection stays open and passes nothing. It never recovers. */
  deafen(): void {
    this.#isDeaf = true;
  }

  /** Ends both sides: with a reset, or with the end of the stream. */
  end(way: 'rst' | 'fin'): void {
    for (const socket of [this.#client, this.#server]) {
      if (way === 'rst') reset(socket);
      else socket.destroySoon();
    }
  }

  #failClient(): void {
    const { refusal } = this.#rules;
    if (refusal !== undefined && !this.#isConnected) this.#client.end(refusal);
    else reset(this.#client);
  }

  #carryRequest(bytes: Buffer): void {
    this.#recognize(bytes);
    if (this.#rules.isDeaf(this)) this.deafen();
    const passed = this.#isDeaf ? undefined : filter(bytes, this, this.#rules.onRequest);
    if (passed) this.#requests.write(passed);
  }

  #carryReply(bytes: Buffer): void {
    const passed = this.#isDeaf ? undefined : filter(bytes, this, this.#rules.onReply);
    if (passed) this.#replies.write(passed);
  }

  #recognize(bytes: Buffer): void {
    if (this.kind && this.kind !== 'consumer') return;
    const text = bytes.toString('latin1');
    const application = APPLICATION_NAME.exec(text)?.[1];
    this.name ||= application ?? SET_NAME.exec(text)?.[1] ?? '';
    if (application) this.kind = 'postgres';
    else this.kind = kindOfCommand(text) ?? KINDS.find((kind) => this.name.endsWith(kind));
  }
}

/** Node never closes the handle of a socket that is reset after its end was sent. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

function filter(bytes: Buffer, link: Link, rule: Filter | undefined): Buffer | undefined {
  return rule ? rule(bytes, link) : bytes;
}

/** A Redis connection shows by its commands what it is for, also if it has no name. */
function kindOfCommand(text: string): LinkKind | undefined {
  const command = COMMAND.exec(text)?.[1] ?? '';
  return kindOfCommands[command.toLowerCase() as keyof typeof kindOfCommands];
}
