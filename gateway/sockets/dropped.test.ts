import type { WebSocket } from 'uWebSockets.js';
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Connection, type ConnectionContext, type SocketData } from './connection.ts';

// The attach of the sockets here never ends: its timeout must not keep this process.
mock.timers.enable({ apis: ['setTimeout'] });

// A real socket cannot be forced to drop one frame and to take the next one, so this one only writes down what it gets.
function openConnection() {
  const seen = { sent: [] as string[], closes: 0, unsent: 0 };
  const socket = {
    send: (frame: string) => seen.sent.push(frame),
    close: () => void seen.closes++,
    end: () => undefined,
    getBufferedAmount: () => seen.unsent,
  } as unknown as WebSocket<SocketData>;
  const attaching = new Promise<never>(() => undefined);
  const admission = { countAddress: () => undefined, uncountAddress: () => undefined, whileAttaching: () => attaching };
  const waitingCommands = { take: () => [] };
  const context = { admission, waitingCommands, gateway: { rateLimits: { countRequest: () => attaching } } };
  const data = { authenticate: () => attaching, address: '127.0.0.1', isV1: true, isResuming: false };
  const connection = new Connection(context as unknown as ConnectionContext, data);
  connection.open(socket);
  return { connection, seen };
}

test('after a dropped frame, a socket sends nothing more and is closed when bytes have left', () => {
  const { connection, seen } = openConnection();
  connection.send('before');
  connection.handleDropped();
  connection.send('after');
  assert.deepEqual(seen.sent, ['before']);
  assert.equal(seen.closes, 0);
  connection.handleDrain();
  assert.equal(seen.closes, 1);
});

test('a wait for unsent bytes ends when few enough are unsent, or when the socket closes', async () => {
  const { connection, seen } = openConnection();
  seen.unsent = 300;
  let ended = 0;
  const wait = () => connection.waitForUnsent(100).then(() => ended++);
  const first = wait();
  seen.unsent = 200;
  connection.handleDrain();
  await Promise.resolve();
  assert.equal(ended, 0);
  seen.unsent = 100;
  connection.handleDrain();
  await first;
  seen.unsent = 300;
  const second = wait();
  connection.handleClose();
  await second;
  assert.equal(ended, 2);
});
