import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { Mailbox } from '../test/support/mailbox.ts';
import { createMailer, type Mailer, type MailerOptions } from './mailer.ts';

const mailbox = new Mailbox();
const mailboxPort = await mailbox.open({ refuses: (to) => to === 'nobody@example.com' });

function mailerOf(port: number, options: Partial<MailerOptions> = {}): Mailer {
  const sender = { senderName: 'Rooms', email: 'rooms@example.com', password: undefined };
  const mailer = createMailer({ host: '127.0.0.1', port, ...sender, ...options });
  after(() => mailer.close());
  return mailer;
}

/** Starts a server that answers each command with a line. @returns the port, and a list of all received commands */
async function startServer(greet: string, answer: (command: string) => string) {
  const commands: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined); // The mailer ends connections.
    socket.write(greet);
    socket.on('data', (bytes) => {
      commands.push(bytes.toString());
      socket.write(answer(bytes.toString()));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, commands };
}

const to = (email: string) => ({ purpose: 'login' as const, email });

test('a mail has the one-time password in its text and in its HTML, and names the purpose, the expiry and the sender', async () => {
  await mailerOf(mailboxPort).sendOtp(to('reader@example.com'), '012345', 600_000);
  const mail = await mailbox.take('reader@example.com');
  assert.equal(mail.subject, 'Your code to log in');
  assert.match(mail.from, /Rooms.*<rooms@example\.com>/);
  for (const body of [mail.text, mail.html]) assert.match(body, /012345[\s\S]*once, within 10 minutes/);
});

test('line breaks in an e-mail address add no recipient', async () => {
  await mailerOf(mailboxPort)
    .sendOtp(to('reader@example.com\r\nBcc: <other@example.com>'), '012345', 600_000)
    .catch(() => undefined);
  await mailerOf(mailboxPort).sendOtp(to('last@example.com'), '012345', 600_000);
  await mailbox.take('last@example.com');
  assert.equal(
    mailbox.mails.find((mail) => mail.to.includes('other')),
    undefined,
  );
});

test('if the server refuses a recipient, the mail fails with the reply code, and the next mail is sent', async () => {
  const mailer = mailerOf(mailboxPort);
  const refused = mailer.sendOtp(to('nobody@example.com'), '012345', 600_000);
  await assert.rejects(refused, { responseCode: 550 });
  await mailer.sendOtp(to('somebody@example.com'), '012345', 600_000);
  await mailbox.take('somebody@example.com');
});

test('a mailer with an EMAIL_PASSWORD does not log in without TLS', async () => {
  const offer = '250-plain\r\n250 AUTH PLAIN LOGIN\r\n';
  const answer = (command: string) => (command.startsWith('EHLO') ? offer : '502 not implemented\r\n');
  const { port, commands } = await startServer('220 plain ESMTP\r\n', answer);
  await assert.rejects(mailerOf(port, { password: 'secret' }).sendOtp(to('reader@example.com'), '012345', 600_000));
  assert.deepEqual(commands.map((command) => command.trim().split(' ')[0]).slice(0, 2), ['EHLO', 'STARTTLS']);
  assert.doesNotMatch(commands.join(), /AUTH|MAIL/);
});

test('a mail fails if the server sends no greeting', async () => {
  const { port } = await startServer('', () => '');
  await assert.rejects(mailerOf(port, { timeoutMs: 30 }).sendOtp(to('reader@example.com'), '012345', 600_000), {
    code: 'ETIMEDOUT',
  });
});

test('a mail fails if the server stops answering', async () => {
  const answer = (command: string) => (command.startsWith('EHLO') ? '250 slow\r\n' : '');
  const { port, commands } = await startServer('220 slow ESMTP\r\n', answer);
  // Enough for the steps before, also on a busy machine.
  await assert.rejects(mailerOf(port, { timeoutMs: 1_000 }).sendOtp(to('reader@example.com'), '012345', 600_000), {
    code: 'ETIMEDOUT',
  });
  assert.match(commands.at(-1) ?? '', /^MAIL FROM/);
});
