import { Refused } from './refused.ts';

/**
 * A token, or a function that gets one. The client calls it at the start, and again when the token was refused; `code`
 * is then why. To give up, throw a {@link Refused} with `retry` `no`. After any other error the client tries again.
 */
export type TokenSource = string | ((code?: string) => string | Promise<string>);

/** The token of the user. Requests that need a new one at the same time share it. */
export class Access {
  readonly #source: TokenSource;
  #token: Promise<string> | undefined;
  #refusedFor: string | undefined;

  constructor(source: TokenSource) {
    this.#source = source;
  }

  token(): Promise<string> {
    this.#token ??= this.#get();
    return this.#token;
  }

  /** The server refused this token. The next call of `token` gets a new one. */
  async refuse(token: string, code: string): Promise<void> {
    if ((await this.#token?.catch(() => undefined)) !== token) return;
    this.#refusedFor = code;
    this.#token = undefined;
  }

  async #get(): Promise<string> {
    try {
      // `then` calls the source when `token` has stored this promise. So an error is always removed again, below.
      if (typeof this.#source === 'function') return await Promise.resolve(this.#refusedFor).then(this.#source);
      if (this.#refusedFor) throw new Refused(this.#refusedFor);
      return this.#source;
    } catch (error) {
      this.#token = undefined;
      throw error;
    }
  }
}
