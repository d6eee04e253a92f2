import { EventEmitter, once } from 'node:events';
import { after } from 'node:test';
import { type CatcherOptions, type CaughtMail, startMailCatcher } from '../../shared/local/mail.ts';

/** A real mail server that keeps the mails that it receives. */
export class Mailbox {
  readonly mails: CaughtMail[] = [];
  readonly #arrivals = new EventEmitter();

  /** Starts the server, which closes at the end of the test file. @returns the port */
  async open(options: CatcherOptions = {}): Promise<number> {
    const keep = (mail: CaughtMail) => {
      this.mails.push(mail);
      this.#arrivals.emit('mail');
    };
    const catcher = await startMailCatcher(keep, options);
    after(() => catcher.close());
    return catcher.port;
  }

  /** Waits up to 20 seconds for a mail to this e-mail address, and removes it. @returns the oldest such mail */
  async take(to: string): Promise<CaughtMail> {
    const signal = AbortSignal.timeout(20_000);
    for (;;) {
      const index = this.mails.findIndex((mail) => mail.to === to);
      if (index >= 0) return this.mails.splice(index, 1)[0] as CaughtMail;
      await once(this.#arrivals, 'mail', { signal });
    }
  }

  /** Like {@link take}. @returns the one-time password in the mail */
  async takeOtp(to: string): Promise<string> {
    const { text } = await this.take(to);
    const [otp] = /\b\d{6}\b/.exec(text) ?? [];
    if (!otp) throw new Error(`no one-time password in: ${text}`);
    return otp;
  }
}
