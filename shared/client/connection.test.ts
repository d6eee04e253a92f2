import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, mock, test } from 'node:test';
import { type WebSocket as ServerSocket, WebSocketServer } from 'ws';
import { until } from '../../test/support/until.ts';
import type { Ack, Command } from './protocol.ts';
import { RoomsClient } from './rooms-client.ts';

// What the client does after each frame and close code that ends a connection. Here the test is the gateway, because a
// real gateway sends them only sometimes.

type Received = Extract<Command, { command: 'CreateMessage' }> & { ref: string };

/** A gateway in the hands of the test. It answers `Resume` with a `Welcome` without rooms. */
async function openGateway() {
  const sockets: ServerSocket[] = [];
  const received: { socket: ServerSocket; frame: Received }[] = [];
  const resumes: Record<string, number>[] = [];
  let tickets = 0;
  const server = createServer((_, response) => {
    tickets++;
    response.setHeader('content-type', 'application/json');
    response.end('{"ticket":"a ticket"}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const webSockets = new WebSocketServer({ server });
  webSockets.on('connection', (socket) => {
    sockets.push(socket);
    socket.on('message', (data) => {
      const frame = JSON.parse(`${data}`);
      if (frame.command !== 'Resume') return received.push({ socket, frame });
      resumes.push(frame.rooms);
      send(socket, { command: 'Welcome', user: { id: 'bob' }, epoch: 'the epoch', rooms: [] });
      return send(socket, { command: 'Resumed' });
    });
  });
  after(() => {
    for (const socket of sockets) socket.terminate();
    server.close();
  });
  const client = new RoomsClient({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: 'a token',
  });
  after(() => client.close());
  const states: string[] = [];
  client.on('state', ({ to, reason }) => states.push(`${to}: ${reason}`));
  await client.connect();
  return { client, sockets, received, resumes, states, tickets: () => tickets };
}

const send = (socket: ServerSocket | undefined, frame: object) => socket?.send(JSON.stringify(frame));
const ackOf = (ref: string): Ack => ({ command: 'Ack', ref, id: crypto.randomUUID(), roomId: 'tea', seq: 1 });

test('after GoingAway, the new connection is there first, and the old one stays until its commands have outcomes', async () => {
  const { client, sockets, received, states } = await openGateway();
  const one = client.write('tea', 'one');
  await until(() => received.length === 1);
  send(sockets[0], { command: 'GoingAway', after: 3_000 });
  await until(() => states.at(-2) === 'recovering: going_away' && states.at(-1) === 'live: resumed');
  const two = client.write('tea', 'two');
  const three = client.write('coffee', 'three');
  await until(() => received.length === 2);
  assert.deepEqual([received[1]?.socket === sockets[1], received[1]?.frame.text], [true, 'three']);
  assert.equal(sockets[0]?.readyState, 1);

  send(sockets[0], ackOf(received[0]?.frame.ref ?? ''));
  await one;
  await until(() => received.length === 3 && sockets[0]?.readyState === 3);
  assert.equal(received[2]?.socket, sockets[1]);
  for (const { socket, frame } of received.slice(1)) send(socket, ackOf(frame.ref));
  await Promise.all([two, three]);
  assert.equal(states.length, 5);
});

test('the commands of an old connection that is lost are sent on the new one', async () => {
  const { client, sockets, received, states } = await openGateway();
  const one = client.write('tea', 'one');
  await until(() => received.length === 1);
  send(sockets[0], { command: 'GoingAway', after: 3_000 });
  await until(() => states.length === 5);
  sockets[0]?.terminate();
  await until(() => received.length === 2);
  assert.equal(received[1]?.frame.ref, received[0]?.frame.ref);
  send(sockets[1], ackOf(received[1]?.frame.ref ?? ''));
  await one;
});

test('after a close code that a new token cannot mend, the client is closed, and connect() tries again', async () => {
  const { client, sockets, states, tickets } = await openGateway();
  sockets[0]?.close(4400, 'resume_missing');
  await until(() => states.at(-1) === 'closed: resume_missing');
  assert.equal(tickets(), 1);
  await client.connect();
  assert.equal(client.state, 'live');
});

test('what a slow reader did not take is asked for when the reader leaves', async () => {
  const { client, sockets, resumes } = await openGateway();
  const messages = client.messages();
  const sendMessage = (seq: number, command: string) =>
    send(sockets[0], { command, roomId: 'tea', seq, targetId: 'bob', createdAt: 'now' });
  sendMessage(1, 'AddUser');
  for (let seq = 2; seq <= 1_001; seq++) sendMessage(seq, 'CreateMessage');
  send(sockets[0], { command: 'Left', roomId: 'coffee' });
  await new Promise((resolve) => client.on('left', resolve));
  assert.equal(client.positionOf('tea'), 1_000);
  await messages.return();
  await until(() => resumes.length === 2);
  assert.deepEqual(resumes, [{}, { tea: 1_000 }]);
});

test('a client that is closed by a listener when it loses its connection stays closed', async () => {
  const { client, sockets, states, tickets } = await openGateway();
  client.on('state', ({ to }) => to === 'offline' && client.close());
  const waits = mock.method(globalThis, 'setTimeout');
  sockets[0]?.terminate();
  await until(() => states.at(-1) !== 'live: resumed');
  assert.deepEqual([client.state, states.slice(-2)], ['closed', ['offline: 1006', 'closed: close']]);
  assert.deepEqual([waits.mock.calls.filter(({ arguments: [, ms] }) => ms !== undefined), tickets()], [[], 1]);
  mock.restoreAll();
});

test('after 4129 the client waits as long as the Error frame says, or up to half more', async () => {
  const { sockets, states } = await openGateway();
  const waits = mock.method(globalThis, 'setTimeout');
  send(sockets[0], {
    command: 'Error',
    error: 'too many',
    code: 'too_many_sockets',
    retry: 'same_ref',
    retryAfter: 70,
  });
  sockets[0]?.close(4129, 'too_many_sockets');
  await until(() => states.at(-1) === 'offline: too_many_sockets');
  await until(() => waits.mock.calls.some(({ arguments: [, ms = 0] }) => ms >= 70_000 && ms <= 105_000));
  mock.restoreAll();
});

test('a listener gets each frame of the connection in use, and sends a frame only while there is one', async () => {
  const { client, sockets, received, states } = await openGateway();
  const frames: string[] = [];
  client.on('frame', ({ command }) => frames.push(command));
  send(sockets[0], { command: 'Typing', roomId: 'tea', users: ['ann'] });
  await until(() => frames.length === 1);
  assert.ok(client.sendFrame({ command: 'Watch', rooms: [] }));
  await until(() => received.length === 1);
  assert.deepEqual(received[0]?.frame, { command: 'Watch', rooms: [] });
  sockets[0]?.terminate();
  await until(() => client.state === 'offline');
  assert.equal(client.sendFrame({ command: 'Watch', rooms: [] }), false);
  await until(() => states.at(-1) === 'live: resumed' && sockets.length === 2);
  assert.deepEqual(frames, ['Typing', 'Welcome', 'Resumed']);
  assert.equal(received.length, 1);
});
