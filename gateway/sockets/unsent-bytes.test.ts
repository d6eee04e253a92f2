import uWS, { type us_listen_socket, type WebSocket } from 'uWebSockets.js';
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { createLog } from '../../shared/log.ts';
import { until } from '../../test/support/until.ts';
import { type Reader, UnsentBytes } from './unsent-bytes.ts';

const MEGABYTE = 1024 * 1024;
const UPGRADE = [
  'GET / HTTP/1.1',
  'Host: x',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  '\r\n',
].join('\r\n');

const opened: TestReader[] = [];

/** A socket of a server of the test. */
class TestReader implements Reader {
  closed = false;
  readonly socket: WebSocket<object>;

  constructor(socket: WebSocket<object>) {
    this.socket = socket;
  }

  get unsentBytes(): number {
    return this.socket.getBufferedAmount();
  }

  terminate(): void {
    this.socket.close();
  }
}

const readers = new Map<WebSocket<object>, TestReader>();
const app = uWS.App();
app.ws<object>('/*', {
  maxBackpressure: 1024 * MEGABYTE,
  open(socket) {
    const reader = new TestReader(socket);
    readers.set(socket, reader);
    opened.push(reader);
  },
  close(socket) {
    (readers.get(socket) as TestReader).closed = true;
  },
});
const listener = await new Promise<us_listen_socket | false>((resolve) => app.listen('127.0.0.1', 0, resolve));
assert.ok(listener);
after(() => app.close());

/** Opens a socket. Without `reads`, its client reads nothing after the upgrade. */
async function open(reads: boolean): Promise<{ client: Socket; reader: TestReader }> {
  const client = connect(uWS.us_socket_local_port(listener as us_listen_socket), '127.0.0.1');
  client.on('error', () => undefined);
  after(() => client.destroy());
  const count = opened.length;
  client.write(UPGRADE);
  await until(() => opened.length > count);
  if (reads) client.resume();
  else client.pause();
  return { client, reader: opened.at(-1) as TestReader };
}

test('above the bound, the sockets with the most unsent bytes are closed, and no others', async () => {
  const [reading, slow, slower, slowest] = [await open(true), await open(false), await open(false), await open(false)];
  const bytesOf = [8, 16, 24, 48];
  for (const [index, { reader }] of [reading, slow, slower, slowest].entries()) {
    reader.socket.send('x'.repeat((bytesOf[index] as number) * MEGABYTE));
  }
  await until(() => reading.reader.unsentBytes === 0);
  const rest = slow.reader.unsentBytes + slower.reader.unsentBytes;
  assert.ok(slowest.reader.unsentBytes > slower.reader.unsentBytes && slow.reader.unsentBytes > MEGABYTE);
  const unsentBytes = new UnsentBytes(opened, { UNSENT_MEGABYTES: rest / MEGABYTE }, createLog('test', 'silent'));
  unsentBytes.sweep();
  assert.deepEqual(
    [reading, slow, slower, slowest].map(({ reader }) => reader.closed),
    [false, false, false, true],
  );
  unsentBytes.sweep();
  assert.equal(opened.filter(({ closed }) => closed).length, 1);
  slow.reader.socket.send('x'.repeat(MEGABYTE));
  unsentBytes.sweep();
  assert.deepEqual(
    [reading, slow, slower].map(({ reader }) => reader.closed),
    [false, false, true],
  );
  unsentBytes.close();
});
