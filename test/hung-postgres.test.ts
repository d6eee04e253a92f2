import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Account, createAccounts } from '../bench/accounts.ts';
import { measureProcess, signalTree } from '../bench/faults/processes.ts';
import { encodeText, RawSocket } from '../bench/raw-socket.ts';
import { newId } from '../shared/contract/ids.ts';
import { limits } from '../shared/contract/limits.ts';
import { connectDatabase } from '../shared/database.ts';
import type { Child } from '../shared/local/child.ts';
import { startPostgres } from '../shared/local/embedded-postgres.ts';
import { migrate } from '../sql/migrate.ts';
import { Client } from './support/client.ts';
import { startSystem, testServices } from './support/system.ts';
import { until } from './support/until.ts';

const SOCKETS = 400;
const COMMANDS_OF_SOCKET = 50;
const TEXT = '€'.repeat(limits.MAX_TEXT_CHARACTERS);
const TOO_LONG = `${TEXT}€`;
const LAST_REF = newId();
const MAX_GROWTH_MIB = 50;
const MAX_WAIT_MS = 40_000;

const postgres = await startPostgres(join(testServices().home, randomBytes(6).toString('hex')), 'password');
await migrate(postgres.url);
const { cluster } = await startSystem({ gateways: 1, workers: 1, databaseUrl: postgres.url });
const database = connectDatabase(postgres.url, { name: 'rooms-test', max: 1, readOnly: false, timeout: 0 });
after(async () => {
  signalTree(postgres.child.pid, 'SIGCONT');
  await database.end();
  await postgres.child.stop();
});
const [url] = cluster.urls as [string];
const gateway = cluster.gateways[0] as Child;
const accounts = await createAccounts(url, cluster.secret, database, SOCKETS);

/** Sends all its commands at once, without waiting until it is attached. The room does not exist. */
class Sender {
  answers = 0;
  isClosed = false;
  /** True if the gateway has read all commands: the last one has a text that is too long, so it is refused at once. */
  isRead = false;
  readonly #socket: RawSocket;

  /** @param text of all commands except the last one */
  constructor({ token }: Account, text: string) {
    this.#socket = new RawSocket({
      ...{ url, token },
      onOpen: () => this.#send(text),
      onFrame: (bytes, start, end) => this.#receive(bytes.toString('latin1', start, end)),
      onClose: (reason) => {
        this.isClosed = reason.startsWith('close code 4100');
      },
    });
    after(() => this.destroy());
  }

  /** The number of commands that the gateway keeps. */
  get kept(): number {
    return this.isClosed ? 0 : COMMANDS_OF_SOCKET - this.answers;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #send(text: string): void {
    const frame = encodeCommand(text);
    for (let sent = 0; sent < COMMANDS_OF_SOCKET; sent++) this.#socket.send(frame);
    this.#socket.send(encodeCommand(TOO_LONG, LAST_REF));
  }

  #receive(frame: string): void {
    if (!frame.startsWith('{"command":"Error"')) return;
    if (frame.includes(LAST_REF)) this.isRead = true;
    else this.answers++;
  }
}

function encodeCommand(text: string, ref?: string): Buffer {
  return encodeText(JSON.stringify({ command: 'CreateMessage', roomId: newId(), text, ref }));
}

test('while Postgres hangs, a gateway keeps a bounded number of commands, grows little, and answers every socket', async () => {
  const memory = () => measureProcess(gateway.pid).memoryMiB;
  // The memory that these frames need while Postgres works.
  const refused = accounts.map((account) => new Sender(account, TOO_LONG));
  await until(() => refused.every(({ isRead }) => isRead), MAX_WAIT_MS);
  for (const sender of refused) sender.destroy();
  const before = memory();
  signalTree(postgres.child.pid, 'SIGSTOP');
  const senders = accounts.map((account) => new Sender(account, TEXT));
  // On a very busy machine, the first sockets are closed with 4100 before the last ones are read.
  await until(() => senders.every(({ isRead, isClosed }) => isRead || isClosed), MAX_WAIT_MS);
  const growth = memory() - before;
  const kept = senders.reduce((sum, sender) => sum + sender.kept, 0);
  signalTree(postgres.child.pid, 'SIGCONT');
  assert.ok(kept <= limits.MAX_UNATTACHED_COMMANDS, `${kept} commands wait`);
  assert.ok(growth <= MAX_GROWTH_MIB, `the gateway grew by ${Math.round(growth)} MiB`);

  await until(() => senders.every((sender) => sender.kept === 0), MAX_WAIT_MS);
  const client = await Client.connect(url, (accounts[0] as Account).token);
  await until(async () => (await client.ask({ command: 'CreateRoom', text: 'a room' })).command === 'Ack', MAX_WAIT_MS);
  await client.close();
});
