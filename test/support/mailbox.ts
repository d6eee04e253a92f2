import { EventEmitter, once } from 'node:events';
import { after } from 'node:test';
import { type CatcherOptions, type CaughtMail, startMailCatcher } from '../../shared/local/mail.ts';

/** A real mail server that keeps what it gets. */
export class Mailbox {
  readonly mails: CaughtMail[] = [];
  readonly #came = new EventEmitter();

  /** @returns its port; closed when the file is done */
  async open(options: CatcherOptions = {}): Promise<number> {
    const keep = (mail: CaughtMail) => {
      this.mails.push(mail);
      this.#came.emit('mail');
    };
    const catcher = await startMailCatcher(keep, options);
    after(() => catcher.close());
    return catcher.port;
  }

  /** The next mail to an address, from the first that was not taken yet; waited for at most twenty seconds. */
  async take(to: string): Promise<CaughtMail> {
    const signal = AbortSignal.timeout(20_000);
    for (;;) {
      const index = this.mails.findIndex((mail) => mail.to === to);
      if (index >= 0) return this.mails.splice(index, 1)[0] as CaughtMail;
      await once(this.#came, 'mail', { signal });
    }
  }

  /** The code of the next mail to an address. */
  async code(to: string): Promise<string> {
    const { text } = await this.take(to);
    const [code] = /\b\d{6}\b/.exec(text) ?? [];
    if (!code) throw new Error(`no code in: ${text}`);
    return code;
  }
}
