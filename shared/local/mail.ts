import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { mailFileName } from '../mail-files.ts';

export interface CaughtMail {
  from: string;
  to: string;
  subject: string;
  text: string;
  html: string;
  /** The mail as the server received it (RFC 5322). */
  source: string;
}

export interface MailCatcher {
  /** The port on 127.0.0.1. */
  port: number;
  close(): Promise<void>;
}

export interface CatcherOptions {
  /** Default: a free port. */
  port?: number;
  /** Returns true for an e-mail address that has no mailbox: mails to it are refused. Default: no mail is refused. */
  refuses?: (to: string) => boolean;
}

/** Starts a mail server on 127.0.0.1. It calls `keep` with each mail and sends no mail to anyone. */
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
      const to = envelope.rcptTo.map(({ address }) => address).join();
      text(stream)
        .then((source) => parseMail(to, source))
        .then(keep)
        .then(() => done(), done);
    },
  });
  server.on('error', () => undefined); // A client that disconnects in the middle of a mail is no error of the server.
  const listening = server.listen(port, '127.0.0.1');
  await once(listening, 'listening');
  return {
    port: (listening.address() as AddressInfo).port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Writes a mail to a new file in the folder. The name has the time and the recipient. @returns the path of the file */
export function writeMail(folder: string, { to, source }: CaughtMail): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, mailFileName(to, new Date()));
  writeFileSync(path, source, { mode: 0o600 });
  return path;
}

async function parseMail(to: string, source: string): Promise<CaughtMail> {
  const { from, subject = '', text: body = '', html } = await simpleParser(source);
  return { from: from?.text ?? '', to, subject, text: body, html: html || '', source };
}
