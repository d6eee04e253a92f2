import { Access, type TokenSource } from './access.ts';
import { Refused, refusedBy } from './refused.ts';

const TIMEOUT_MS = 15_000;

export type Fetch = typeof globalThis.fetch;
export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface Answer<T> {
  body: T;
  headers: Headers;
}

export interface HttpOptions {
  /** The URL of Rooms, such as `https://rooms.example.com`. */
  url: string;
  token?: TokenSource | undefined;
  email?: string | undefined;
  password?: string | undefined;
  fetch?: Fetch | undefined;
}

/** The requests of one user. */
export class Http {
  readonly url: string;
  readonly access: Access;
  readonly #fetch: Fetch;

  constructor({ url, token, email, password, fetch = globalThis.fetch }: HttpOptions) {
    this.url = url.replace(/\/+$/, '');
    // `fetch` of a browser works only without a `this`.
    this.#fetch = (...parameters) => fetch(...parameters);
    this.access = new Access(token ?? (() => this.#logIn(email, password)));
  }

  /** After a refused token, sends the request once more with a new token. @throws Refused */
  async request<T>(method: Method, path: string, body?: unknown): Promise<Answer<T>> {
    for (let isSecond = false; ; isSecond = true) {
      const token = await this.access.token();
      try {
        return await this.#send<T>(method, path, body, token);
      } catch (error) {
        if (!(error instanceof Refused) || error.retry !== 'after_login') throw error;
        await this.access.refuse(token, error.code);
        if (isSecond) throw error;
      }
    }
  }

  async #logIn(email?: string, password?: string): Promise<string> {
    const { body } = await this.#send<{ token: string }>('POST', '/api/users/login', { email, password });
    return body.token;
  }

  async #send<T>(method: Method, path: string, body?: unknown, token?: string): Promise<Answer<T>> {
    const headers: Record<string, string> = {};
    if (token) headers.authorization = `Bearer ${token}`;
    if (body !== undefined) headers['content-type'] = 'application/json';
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await this.#fetch(this.url + path, {
      ...{ method, headers, signal },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw await refusedBy(response);
    return { body: (await response.json()) as T, headers: response.headers };
  }
}
