import { createTransport } from 'nodemailer';
import type { OtpPurpose, OtpSubject } from '../shared/contract/otps.ts';

export interface MailerOptions {
  host: string;
  port: number;
  /** `SENDER_NAME` */
  senderName: string;
  /** The sender's address, and the name that logs in where there is a password. */
  email: string | undefined;
  password: string | undefined;
}

export interface Mailer {
  /** @param expiry milliseconds. @throws Error when the mail server did not take it */
  sendOtp(subject: OtpSubject, code: string, expiry: number): Promise<void>;
  close(): void;
}

/** Mails over SMTP: TLS from the start on port 465, else STARTTLS where it is offered, and always before a login. */
export function createMailer({ host, port, senderName, email, password }: MailerOptions): Mailer {
  const transport = createTransport({
    host,
    port,
    secure: port === 465,
    requireTLS: password !== undefined,
    ...(email && password && { auth: { user: email, pass: password } }),
    pool: true,
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 20_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const from = { name: senderName, address: email ?? 'rooms@localhost' };
  return {
    async sendOtp({ email: to, purpose }, code, expiry) {
      await transport.sendMail({ from, to: { name: '', address: to }, ...otpMail(purpose, code, expiry) });
    },
    close: () => transport.close(),
  };
}

const uses: Record<OtpPurpose, string> = {
  register: 'create your account',
  login: 'log in',
  update: 'confirm your e-mail',
};

function otpMail(purpose: OtpPurpose, code: string, expiry: number): { subject: string; text: string; html: string } {
  const use = uses[purpose];
  const time = expiry < 120_000 ? `${Math.round(expiry / 1_000)} seconds` : `${Math.round(expiry / 60_000)} minutes`;
  const warning = 'If you did not ask for it, ignore this mail, and tell the code to nobody.';
  return {
    subject: `Your code to ${use}`,
    text: `${code} is your code to ${use}.\n\nIt is good once, for ${time}. ${warning}\n`,
    html: `<p>Your code to ${use}:</p>
<p style="font-size: 2em; letter-spacing: 0.2em"><strong>${code}</strong></p>
<p>It is good once, for ${time}. ${warning}</p>
`,
  };
}
