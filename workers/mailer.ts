import { createTransport } from 'nodemailer';
import type { OtpPurpose, OtpSubject } from '../shared/contract/otps.ts';

const TIMEOUT_MS = 10_000;
/** On this port a connection starts with TLS (RFC 8314). */
const TLS_PORT = 465;

export interface MailerOptions {
  host: string;
  port: number;
  /** `SENDER_NAME` */
  senderName: string;
  /** `EMAIL`: the e-mail address of the sender, and the user name at the mail server. */
  email: string | undefined;
  /** `EMAIL_PASSWORD`. If it is set, the mailer logs in at the mail server. */
  password: string | undefined;
  /** The timeout for the connection and for the greeting. After them, the server may be silent twice as long. */
  timeoutMs?: number;
}

export interface Mailer {
  /** @throws Error if the mail server did not accept the mail. If it replied, `responseCode` is its reply code. */
  sendOtp(subject: OtpSubject, otp: string, expiryMs: number): Promise<void>;
  close(): void;
}

/**
 * Makes a mailer for an SMTP server. On port 465 it uses TLS from the start. On other ports it uses STARTTLS if the
 * server offers that. Without TLS the mailer never logs in, because a login would send the password in plain text.
 */
export function createMailer(options: MailerOptions): Mailer {
  const { host, port, senderName, email, password, timeoutMs = TIMEOUT_MS } = options;
  const transport = createTransport({
    host,
    port,
    secure: port === TLS_PORT,
    requireTLS: password !== undefined,
    ...(email && password && { auth: { user: email, pass: password } }),
    pool: true,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: 2 * timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const from = { name: senderName, address: email ?? 'rooms@localhost' };
  return {
    async sendOtp({ email: to, purpose }, otp, expiryMs) {
      await transport.sendMail({ from, to: { name: '', address: to }, ...otpMail(purpose, otp, expiryMs) });
    },
    close: () => transport.close(),
  };
}

const actions: Record<OtpPurpose, string> = {
  register: 'create your account',
  login: 'log in',
  update: 'confirm your e-mail',
};

function otpMail(purpose: OtpPurpose, otp: string, expiryMs: number): { subject: string; text: string; html: string } {
  const action = actions[purpose];
  const seconds = Math.round(expiryMs / 1_000);
  const time = seconds < 120 ? `${seconds} seconds` : `${Math.round(seconds / 60)} minutes`;
  const notes = `You can use it once, within ${time}. If you did not ask for it, ignore this mail. Give the code to nobody.`;
  return {
    subject: `Your code to ${action}`,
    text: `${otp} is your code to ${action}.\n\n${notes}\n`,
    html: `<p>Your code to ${action}:</p>
<p style="font-size: 2em; letter-spacing: 0.2em"><strong>${otp}</strong></p>
<p>${notes}</p>
`,
  };
}
