import { EventEmitter, once } from 'node:events';
import { after } from 'node:test';
import { type CatcherOptions, type CaughtMail, startMailCatcher } from '../../shared/local/mail.ts';

/** A real mail server that keeps the mails that it receives. */
export class Mailbox {
  readonly mails: CaughtMail[] = [];
  readonly #arrivals = new EventEmitter();

  /** @returns the port. The server closes at the end of the test file. */
  async open(options: CatcherOptions = {}): Promise<number> {
    const keep = (mail: CaughtMail) => {
      this.mails.push(mail);
      this.#arrivals.emit('mail');
    };
    const catcher = await startMailCatcher(keep, options);
    after(() => catcher.close());
    return catcher.port;
  }

  /** Removes and returns the oldest mail to an address. Waits up to 20 seconds for it. */
  async take(to: string): Promise<CaughtMail> {
    const signal = AbortSignal.timeout(20_000);
    for (;;) {
      const index = this.mails.findIndex((mail) => mail.to === to);
      if (index >= 0) return this.mails.splice(index, 1)[0] as CaughtMail;
      await once(this.#arrivals, 'mail', { signal });
    }
  }

  /** The code in the oldest mail to an address. Removes the mail. */
  async takeCode(to: string): Promise<string> {
    const { text } = await this.take(to);
    const [code] = /\b\d{6}\b/.exec(text) ?? [];
    if (!code) throw new Error(`no code in: ${text}`);
    return code;
  }
}
