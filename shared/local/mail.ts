import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';

export interface CaughtMail {
  from: string;
  to: string;
  subject: string;
  text: string;
  html: string;
  /** As it came (RFC 5322). */
  source: string;
}

export interface MailCatcher {
  /** On 127.0.0.1. */
  port: number;
  close(): Promise<void>;
}

export interface CatcherOptions {
  /** A free one if it is not said. */
  port?: number;
  /** Whom it has no mailbox for. */
  refuses?: (to: string) => boolean;
}

/** A mail server that keeps every mail it gets and delivers none. */
export async function startMailCatcher(
  keep: (mail: CaughtMail) => void,
  { port = 0, refuses = () => false }: CatcherOptions = {},
): Promise<MailCatcher> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    logger: false,
    closeTimeout: 500,
    onRcptTo: ({ address }, _session, done) => done(refuses(address) ? new Error('no such mailbox') : undefined),
    onData: (stream, { envelope }, done) => {
      const read = async () => {
        const source = await text(stream);
        const { from, subject = '', text: body = '', html } = await simpleParser(source);
        const to = envelope.rcptTo.map(({ address }) => address).join();
        keep({ from: from?.text ?? '', to, subject, text: body, html: html || '', source });
      };
      read().then(() => done(), done);
    },
  });
  server.on('error', () => undefined); // a client that went away
  const listening = server.listen(port, '127.0.0.1');
  await once(listening, 'listening');
  return {
    port: (listening.address() as AddressInfo).port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Keeps mails as files of a folder, named by when they came and to whom. @returns the path of the file */
export function writeMail(folder: string, { to, source }: CaughtMail): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const time = new Date().toISOString().replaceAll(':', '-');
  const path = join(folder, `${time} ${to.replaceAll(/[^\w.@+-]/g, '_')}.eml`);
  writeFileSync(path, source, { mode: 0o600 });
  return path;
}
