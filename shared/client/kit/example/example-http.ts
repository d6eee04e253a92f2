import { ROOMS_V1 } from '../../../contract/frames.ts';
import type { Order } from '../client-under-test.ts';

/** The HTTP requests of the example client. */
export class ExampleHttp {
  readonly #start: Extract<Order, { do: 'start' }>;
  #token: string | undefined;

  constructor(start: Extract<Order, { do: 'start' }>) {
    this.#start = start;
  }

  forgetToken(): void {
    this.#token = undefined;
  }

  /** @throws the refusal */
  async openSocket(): Promise<WebSocket> {
    const { url } = this.#start;
    const { ticket } = (await this.#request('POST', '/api/ws/ticket')).body as { ticket: string };
    return new WebSocket(`${url.replace('http', 'ws')}/api/ws?resume=true&ticket=${ticket}`, ROOMS_V1);
  }

  /** @returns the seq up to which the history is complete */
  async loadHistory(roomId: string): Promise<number> {
    const { headers } = await this.#request('GET', `/api/messages/${roomId}`);
    return Number(headers.get('rooms-seq'));
  }

  async #request(method: string, path: string): Promise<{ body: unknown; headers: Headers }> {
    this.#token ??= await this.#logIn();
    const authorization = `Bearer ${this.#token}`;
    return this.#send(path, { method, headers: { authorization } });
  }

  async #logIn(): Promise<string> {
    const { email, password } = this.#start;
    const body = JSON.stringify({ email, password });
    const headers = { 'content-type': 'application/json' };
    const answer = await this.#send('/api/users/login', { method: 'POST', headers, body });
    return (answer.body as { token: string }).token;
  }

  async #send(path: string, init: RequestInit): Promise<{ body: unknown; headers: Headers }> {
    const response = await fetch(this.#start.url + path, init);
    const body = await response.json();
    if (response.ok) return { body, headers: response.headers };
    if (response.status === 401) this.forgetToken();
    throw Object.assign(new Error(`${path}: ${response.status}`), {
      retryAfter: Number(response.headers.get('retry-after') ?? 0),
    });
  }
}
