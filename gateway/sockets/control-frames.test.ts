import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { limits } from '../../shared/contract/limits.ts';
import { Client } from '../../test/support/client.ts';
import { openTestGateway } from '../../test/support/in-process.ts';
import { until } from '../../test/support/until.ts';

const RATE = 5;
const BURST = RATE * limits.FRAMES_PER_COMMAND * limits.BURST_SECONDS;
const { url, addUser } = await openTestGateway({ SOCKET_RATE: `${RATE}` });

/** An empty frame of a client, with a mask of zeros. */
const frame = (opcode: number) => Buffer.from([0x80 | opcode, 0x80, 0, 0, 0, 0]);

for (const [name, opcode] of [
  ['pings', 9],
  ['pongs', 10],
] as const) {
  test(`a socket that sends too many ${name} is closed with 4129, and another socket is not`, async () => {
    const [flood, bystander] = [await addUser(), await addUser()];
    const other = await Client.connect(url, bystander.token);
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let received = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
    });
    after(() => socket.destroy());
    const headers = `Authorization: Bearer ${flood.token}\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n`;
    socket.write(`GET /api/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${headers}\r\n`);
    await until(() => received.includes('101 Switching'));
    socket.write(Buffer.concat(Array.from({ length: 2 * BURST }, () => frame(opcode))));
    await until(() => received.includes('rate_limited'));
    await until(() => socket.destroyed || socket.readyState !== 'open');
    assert.ok(received.includes(Buffer.from([4129 >> 8, 4129 & 255])), 'the close code is missing');
    await other.commit({ command: 'CreateRoom', text: 'a room' });
    await other.close();
  });
}

test('the sockets of one user share the limit of frames, and the socket of another user does not', async () => {
  const [flood, bystander] = [await addUser(), await addUser()];
  const other = await Client.connect(url, bystander.token);
  const sockets = await Promise.all(Array.from({ length: 5 }, () => Client.connect(url, flood.token)));
  for (let sent = 0; sent < BURST / 2; sent++) for (const socket of sockets) socket.send('{}');
  await until(() => sockets.some(({ closed }) => closed?.code === 4129));
  await other.commit({ command: 'CreateRoom', text: 'a room' });
  for (const socket of [other, ...sockets]) socket.socket.terminate();
});
