import { once } from 'node:events';
import { WebSocket } from 'ws';

/** An answer over HTTP. */
export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: the shape is what the test is about
  body: any;
}

/** A frame as it came. */
// biome-ignore lint/suspicious/noExplicitAny: the shape is what the test is about
export type Frame = any;

export interface CallOptions {
  token?: string | undefined;
  body?: unknown;
  headers?: Record<string, string>;
}

/** @param call such as `GET /api/rooms` */
export async function call(url: string, call: string, { token, body, headers }: CallOptions = {}): Promise<Answer> {
  const [method, path] = call.split(' ') as [string, string];
  const response = await fetch(url + path, {
    method,
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text && JSON.parse(text) };
}

export interface Account {
  id: string;
  token: string;
  email: string;
}

export const PASSWORD = 'correct horse';
let accounts = 0;

/** Registers and logs in. @param firstName at least three letters */
export async function createAccount(
  url: string,
  firstName = 'Tester',
  headers: Record<string, string> = {},
): Promise<Account> {
  const email = `${firstName.toLowerCase()}.${process.pid}.${++accounts}@example.com`;
  const person = { firstName, lastName: 'Testing', email, password: PASSWORD };
  const { body: user } = await call(url, 'POST /api/users/register', { body: person, headers });
  const { body } = await call(url, 'POST /api/users/login', { body: { email, password: PASSWORD }, headers });
  return { id: user.id, token: body.token, email };
}

/** A real socket that keeps every frame it got. */
export class Client {
  readonly frames: Frame[] = [];
  readonly socket: WebSocket;
  closed?: { code: number; reason: string };
  readonly #looking = new Set<() => void>();

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => {
      this.frames.push(JSON.parse(data.toString()));
      this.#look();
    });
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      this.#look();
    });
  }

  /** Resolves when the socket is on the topics of its rooms (`classic` clients hear no Welcome, so for them: open). */
  static async connect(url: string, token: string, kind: 'v1' | 'classic' = 'v1', headers = {}): Promise<Client> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/ws`, kind === 'v1' ? ['rooms.v1'] : [], {
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
    const client = new Client(socket);
    await once(socket, 'open');
    if (kind === 'v1') await client.frame((frame) => frame.command === 'Welcome');
    return client;
  }

  send(frame: unknown): void {
    this.socket.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
  }

  /** The first frame that fits, waited for if it has not come yet. @throws Error with all frames after ten seconds */
  frame(fits: (frame: Frame) => boolean): Promise<Frame> {
    return this.until(() => this.frames.find(fits));
  }

  /** Sends a command and waits for its Ack or Error. */
  async ask(command: Record<string, unknown>): Promise<Frame> {
    const ref = (command.ref as string) ?? crypto.randomUUID();
    const before = this.frames.length;
    this.send({ ...command, ref });
    return this.until(() =>
      this.frames.slice(before).find((frame) => frame.ref === ref && ['Ack', 'Error'].includes(frame.command)),
    );
  }

  /** The seqs of a room's messages, in the order in which they came. */
  seqs(roomId: string): number[] {
    return this.frames.filter((frame) => frame.roomId === roomId && frame.userId).map(({ seq }) => seq);
  }

  async until<T>(look: () => T | undefined): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const check = () => {
      const found = look();
      if (found !== undefined) resolve(found);
    };
    const timer = setTimeout(() => {
      const seen = JSON.stringify(this.frames.slice(-20), null, 1);
      reject(new Error(`nothing like that came; closed: ${JSON.stringify(this.closed)}; the last frames: ${seen}`));
    }, 10_000);
    this.#looking.add(check);
    check();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#looking.delete(check);
    }
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.socket.close();
    await once(this.socket, 'close');
  }

  #look(): void {
    for (const check of this.#looking) check();
  }
}
