import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { type Account, PASSWORD } from '../accounts.ts';
import { Latency } from '../latency.ts';

/** The bystander has an IP address of its own: on Linux, every address of 127.0.0.0/8 is this machine. */
const ADDRESS = '127.0.0.2';
/** An action without an answer counts with this time. */
const TIMEOUT_MS = 20_000;

export const ACTIONS = { GET: 15, post: 10, login: 2 } as const;
export type Action = keyof typeof ACTIONS;

export interface Measurement {
  latencies: Record<Action, Latency>;
  /** How often each refusal came: a status over HTTP, a code over the socket, or `no answer`. */
  refusals: Map<string, number>;
}

/**
 * A user who does nothing special in a room of their own: reads its history, writes messages and logs in, at constant
 * rates. The latencies begin at the intended times.
 */
export class Bystander {
  readonly #url: string;
  readonly #account: Account;
  readonly #roomId: string;
  readonly #socket: WebSocket;
  readonly #agent = new Agent({ keepAlive: true });
  /** Ends the wait for each message that was sent, by its ref: with a code if it was refused. */
  readonly #waiting = new Map<string, (refusal?: string) => void>();

  private constructor(url: string, account: Account, roomId: string, socket: WebSocket) {
    [this.#url, this.#account, this.#roomId, this.#socket] = [url, account, roomId, socket];
    socket.on('message', (bytes) => {
      const { command, ref, code } = JSON.parse(`${bytes}`);
      if (command === 'CreateMessage') this.#waiting.get(ref)?.();
      if (command === 'Error') this.#waiting.get(ref)?.(code);
    });
  }

  /** @param roomId a room of this account */
  static async open(url: string, account: Account, roomId: string): Promise<Bystander> {
    const options = { headers: { authorization: `Bearer ${account.token}` }, localAddress: ADDRESS };
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/ws`, ['rooms.v1'], options);
    await once(socket, 'message');
    return new Bystander(url, account, roomId, socket);
  }

  async measure(seconds: number): Promise<Measurement> {
    const measurement: Measurement = {
      latencies: { GET: new Latency(), post: new Latency(), login: new Latency() },
      refusals: new Map(),
    };
    const names = Object.keys(ACTIONS) as Action[];
    await Promise.all(names.map((name) => this.#repeat(name, seconds, measurement)));
    return measurement;
  }

  /** @returns why the action was refused, or undefined */
  act(action: Action): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const timer = setTimeout(() => resolve('no answer'), TIMEOUT_MS);
    if (action === 'post') this.#post(resolve);
    else if (action === 'GET') this.#request('GET', `/api/messages/${this.#roomId}`, undefined, resolve);
    else this.#request('POST', '/api/users/login', { email: this.#account.email, password: PASSWORD }, resolve);
    return promise.finally(() => clearTimeout(timer));
  }

  close(): void {
    this.#socket.terminate();
    this.#agent.destroy();
  }

  async #repeat(action: Action, seconds: number, { latencies, refusals }: Measurement): Promise<void> {
    const everyMs = 1_000 / ACTIONS[action];
    const startedAt = performance.now();
    const running: Promise<void>[] = [];
    for (let index = 0; index < seconds * ACTIONS[action]; index++) {
      const intendedAt = startedAt + index * everyMs;
      await wait(Math.max(0, intendedAt - performance.now()));
      running.push(
        this.act(action).then((refusal) => {
          latencies[action].record(performance.now() - intendedAt);
          if (refusal) refusals.set(refusal, (refusals.get(refusal) ?? 0) + 1);
        }),
      );
    }
    await Promise.all(running);
  }

  #post(done: (refusal?: string) => void): void {
    const ref = randomUUID();
    this.#waiting.set(ref, done);
    this.#socket.send(JSON.stringify({ command: 'CreateMessage', roomId: this.#roomId, text: 'Hello World!', ref }));
  }

  #request(method: string, path: string, body: object | undefined, done: (refusal?: string) => void): void {
    const headers = body ? { 'content-type': 'application/json' } : { authorization: `Bearer ${this.#account.token}` };
    const options = { method, headers, agent: this.#agent, localAddress: ADDRESS };
    const sending = request(this.#url + path, options, (answer) => {
      const refusal = answer.statusCode === 200 ? undefined : `${answer.statusCode}`;
      answer.resume().on('close', () => done(refusal));
    });
    sending.on('error', ({ message }) => done(message));
    sending.end(body && JSON.stringify(body));
  }
}
