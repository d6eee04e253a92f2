import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { SignJWT } from 'jose';
import * as v from 'valibot';
import { type ClientOptions, WebSocket } from 'ws';
import { User } from '../../shared/contract/answers.ts';
import { type Ack, type ErrorFrame, ROOMS_V1, type Welcome } from '../../shared/contract/frames.ts';
import { newId } from '../../shared/contract/ids.ts';
import type { Message } from '../../shared/contract/messages.ts';
import type { Resume } from '../../shared/contract/resume.ts';
import { type Answer, assertDescribed, assertNoStoredId, bodyOf } from './answer-checks.ts';
import { type CommandFrame, type Frame, isMessage, parseFrame } from './client-frames.ts';
import { assertRefusalInDocument } from './socket-document.ts';
import { MAX_WAIT_MS } from './until.ts';

export interface CallOptions {
  token?: string | undefined;
  /** A string is sent unchanged, any other value as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
}

/** Sends a request and checks its answer against the route table. @param request such as `GET /api/rooms` */
export async function call(url: string, request: string, { token, body, headers }: CallOptions = {}): Promise<Answer> {
  const [method, path] = request.split(' ') as [string, string];
  const response = await fetch(url + path, {
    method,
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
  });
  const text = await response.text();
  assertNoStoredId(text);
  const answer = { status: response.status, headers: response.headers, body: text && JSON.parse(text) };
  assertDescribed(method, path, answer);
  return answer;
}

export interface Account {
  id: string;
  token: string;
  email: string;
}

export const PASSWORD = 'correct horse';
let createdAccounts = 0;

/** Registers a user and logs in. @param firstName at least three letters */
export async function createAccount(
  url: string,
  firstName = 'Tester',
  headers: Record<string, string> = {},
): Promise<Account> {
  const email = `${firstName.toLowerCase()}.${process.pid}.${++createdAccounts}@example.com`;
  const person = { firstName, lastName: 'Testing', email, password: PASSWORD };
  const { id } = bodyOf(User, await call(url, 'POST /api/users/register', { body: person, headers }), 201);
  return { id, token: await logIn(url, email, headers), email };
}

/** Logs in with {@link PASSWORD}. @returns a new token */
export async function logIn(url: string, email: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await call(url, 'POST /api/users/login', { body: { email, password: PASSWORD }, headers });
  return bodyOf(v.object({ token: v.string() }), answer).token;
}

/** Signs a token in the same way as a gateway. @param expires such as `1h`, or `-1s` for an expired token */
export function signToken(secret: string, userId: string, expires: string, version = 0): Promise<string> {
  return new SignJWT({ ver: version })
    .setProtectedHeader({ alg: 'HS256' })
    .setJti(newId())
    .setSubject(userId)
    .setIssuer('rooms')
    .setAudience('rooms')
    .setExpirationTime(expires)
    .sign(new TextEncoder().encode(secret));
}

/**
 * A `v1` client uses the subprotocol `rooms.v1` and gets `Welcome` and `Ack`. A `classic` client is like a client of the
 * Go server that Rooms replaces: it gets no `Welcome` and no `Ack`. An `original` client is a classic client that also
 * opens its socket like the web client of that server: with the token in the URL.
 */
export type ClientKind = 'v1' | 'classic' | 'original';

/** A client with an open socket. It keeps every frame that it receives. */
export class Client {
  readonly frames: Frame[] = [];
  readonly socket: WebSocket;
  closed?: { code: number; reason: string };
  readonly #checks = new Set<() => void>();

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => {
      assertNoStoredId(data.toString());
      this.frames.push(parseFrame(data.toString()));
      this.#check();
    });
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      this.#check();
    });
  }

  /**
   * Opens a socket. Resolves after the `Welcome` or when the socket is closed, or for a `classic` client when the socket
   * is open.
   */
  static async connect(
    url: string,
    token: string,
    kind: ClientKind = 'v1',
    headers: Record<string, string | string[]> = {},
  ): Promise<Client> {
    const [path, authorization] =
      kind === 'original' ? [`/api/ws/?token=${token}`, {}] : ['/api/ws', { authorization: `Bearer ${token}` }];
    // With an array, ws sends several header lines. Its types do not allow this.
    const options = { headers: { ...authorization, ...headers } as ClientOptions['headers'] };
    const socket = new WebSocket(url.replace('http', 'ws') + path, kind === 'v1' ? [ROOMS_V1] : [], options);
    const client = new Client(socket);
    await once(socket, 'open');
    if (kind === 'v1') await client.until(() => client.frames[0] ?? client.closed);
    return client;
  }

  /**
   * Opens a socket that resumes, and sends `Resume` frames. Resolves after `Resumed` or when the socket is closed.
   * @param frames without `command`
   */
  static async resume(url: string, token: string, ...frames: Omit<Resume, 'command'>[]): Promise<Client> {
    const client = await Client.openResuming(url, token);
    for (const frame of frames) client.send({ command: 'Resume', ...frame });
    await client.until(() => client.frames.find(({ command }) => command === 'Resumed') ?? client.closed);
    return client;
  }

  /** Opens a socket that resumes. It gets nothing before its `Resume`. */
  static async openResuming(url: string, token: string): Promise<Client> {
    const options = { headers: { authorization: `Bearer ${token}` } };
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/ws?resume=true`, [ROOMS_V1], options);
    const client = new Client(socket);
    await once(socket, 'open');
    return client;
  }

  get welcome(): Welcome {
    const [first] = this.frames;
    return first?.command === 'Welcome' ? first : assert.fail(`no Welcome: ${JSON.stringify(first)}`);
  }

  /** Sends a string or bytes unchanged, any other value as JSON. */
  send(frame: CommandFrame | Record<string, unknown> | string | Buffer): void {
    this.socket.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
  }

  /** Sends everything that the function sends with one write, so that the gateway reads it at the same moment. */
  async together<T>(send: () => Promise<T>[]): Promise<T[]> {
    const { _socket: connection } = this.socket as unknown as { _socket: Socket };
    connection.cork();
    const answers = send();
    connection.uncork();
    return Promise.all(answers);
  }

  /** Sends a command and waits for its `Ack` or `Error`. */
  async ask(command: CommandFrame): Promise<Ack | ErrorFrame> {
    const ref = command.ref ?? newId();
    const before = this.frames.length;
    this.send({ ...command, ref });
    const isAnswer = (frame: Frame) => (frame.command === 'Ack' || frame.command === 'Error') && frame.ref === ref;
    const answer = await this.until(() => this.frames.slice(before).find(isAnswer) as Ack | ErrorFrame | undefined);
    if (answer.command === 'Error') assertRefusalInDocument(command.command, answer.code);
    return answer;
  }

  /** Sends a command and asserts that the answer is an `Ack`. */
  async commit(command: CommandFrame): Promise<Ack> {
    const answer = await this.ask(command);
    return answer.command === 'Ack' ? answer : assert.fail(JSON.stringify({ command, answer }));
  }

  /**
   * Waits until the socket is attached to its rooms and everything that was sent before is answered. For this, sends a
   * command that is refused, and waits for the `Error`.
   */
  async roundTrip(): Promise<void> {
    const answer = await this.ask({ command: 'DeleteRoom', roomId: newId() });
    assert.equal(answer.command === 'Error' && answer.code, 'no_such_room');
  }

  /** Waits until the gateway has received everything that was sent before. */
  async roundTripOfPings(): Promise<void> {
    this.socket.ping();
    await once(this.socket, 'pong');
  }

  /** Waits for a message with all these fields. @returns the first one, which may have arrived earlier */
  waitForMessage(fields: Partial<Message>): Promise<Message> {
    const fits = (message: Message) =>
      Object.entries(fields).every(([field, value]) => message[field as keyof Message] === value);
    return this.until(() => this.frames.filter(isMessage).find(fits));
  }

  /** Returns the messages of a room in the order in which they arrived. */
  messages(roomId: string): Message[] {
    return this.frames.filter(isMessage).filter((message) => message.roomId === roomId);
  }

  seqs(roomId: string): number[] {
    return this.messages(roomId).map(({ seq }) => seq);
  }

  errors(): ErrorFrame[] {
    return this.frames.filter((frame) => frame.command === 'Error');
  }

  /** Waits until the socket is closed. @returns the close code and the reason */
  waitForClose(): Promise<{ code: number; reason: string }> {
    return this.until(() => this.closed);
  }

  /** Waits until `attempt` finds a value. @throws Error with the last frames after {@link MAX_WAIT_MS} */
  async until<T>(attempt: () => T | undefined): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const check = () => {
      const found = attempt();
      if (found !== undefined) resolve(found);
    };
    const timer = setTimeout(() => {
      const received = JSON.stringify({ closed: this.closed, frames: this.frames.slice(-20) }, null, 1);
      reject(new Error(`the expected frame did not arrive. Received: ${received}`));
    }, MAX_WAIT_MS);
    this.#checks.add(check);
    check();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#checks.delete(check);
    }
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.socket.close();
    await once(this.socket, 'close');
  }

  #check(): void {
    for (const check of this.#checks) check();
  }
}
