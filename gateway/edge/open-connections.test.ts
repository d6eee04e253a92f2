import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { after, mock, test } from 'node:test';
import { setImmediate as tick } from 'node:timers/promises';
import { Client } from '../../test/support/client.ts';
import { openTestGateway } from '../../test/support/in-process.ts';
import { until } from '../../test/support/until.ts';
import { maxDescriptors } from './descriptors.ts';

const PROXY = '127.0.0.200';
const MAX = 40;
const { gateway, url, addUser } = await openTestGateway({
  CONNECTIONS: `${MAX}`,
  CONNECTIONS_PER_ADDRESS: '20',
  TRUSTED_PROXIES: PROXY,
});
const { connections } = gateway;
let addresses = 0;
const newAddress = () => `127.0.1.${++addresses}`;

/** Opens connections from an address, and waits until the gateway has accepted or closed each. */
async function openSilent(count: number, localAddress: string): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let index = 0; index < count; index++) {
    const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', localAddress });
    socket.on('error', () => undefined).resume();
    after(() => socket.destroy());
    await new Promise((resolve) => socket.once('connect', resolve));
    sockets.push(socket);
  }
  return sockets;
}

const openOnes = (sockets: Socket[]) => sockets.map(({ readyState }, index) => (readyState === 'open' ? index : -1));
const range = (first: number, end: number) => Array.from({ length: end - first }, (_, index) => first + index);
const areOpen = (sockets: Socket[], first: number) => () =>
  `${openOnes(sockets).filter((index) => index >= 0)}` === `${range(first, sockets.length)}`;

async function closeAll(...sockets: Socket[]): Promise<void> {
  for (const socket of sockets) socket.destroy();
  await until(() => connections.count === 0);
}

/** Sends a request on a connection. @returns the answer */
async function request(socket: Socket, path = '/healthz'): Promise<string> {
  let answer = '';
  const read = (bytes: Buffer) => {
    answer += bytes;
  };
  socket.on('data', read);
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await until(() => answer.includes('}') || socket.readyState === 'closed');
  socket.off('data', read);
  return answer;
}

test('an address with too many new connections loses its oldest silent ones, and no other address does', async () => {
  const bystander = await openSilent(1, newAddress());
  const sockets = await openSilent(26, newAddress());
  await until(areOpen(sockets, 6));
  assert.equal(bystander[0]?.readyState, 'open');
  await closeAll(...sockets, ...bystander);
});

test('at the total, the oldest silent connection of any address is closed, and a new client is served', async () => {
  const [first, second, third] = [newAddress(), newAddress(), newAddress()];
  const flood = [...(await openSilent(20, first)), ...(await openSilent(20, second)), ...(await openSilent(10, third))];
  await until(areOpen(flood, 10));
  const [bystander] = await openSilent(1, newAddress());
  assert.match(await request(bystander as Socket), /200 OK/);
  await closeAll(...flood, bystander as Socket);
});

test('while few connections are left, each answer closes its connection, and otherwise it does not', async () => {
  const [calm] = await openSilent(1, newAddress());
  await request(calm as Socket);
  assert.match(await request(calm as Socket), /200 OK/);
  const proxied = await openSilent(MAX - 5, PROXY);
  assert.match(await request(calm as Socket), /200 OK/);
  await until(() => calm?.readyState !== 'open');
  await closeAll(calm as Socket, ...proxied);
});

test('a connection that has sent a request is never closed as a silent one', async () => {
  const address = newAddress();
  const [active] = await openSilent(1, address);
  await request(active as Socket);
  const silent = await openSilent(25, address);
  await until(areOpen(silent, 6));
  assert.match(await request(active as Socket), /200 OK/);
  await closeAll(active as Socket, ...silent);
});

test('after a request, the other connections of its address are not closed, and a new one is refused instead', async () => {
  const address = newAddress();
  const sockets = await openSilent(20, address);
  await request(sockets[10] as Socket);
  const refused = await openSilent(3, address);
  await until(() => refused.every(({ readyState }) => readyState !== 'open'));
  assert.ok(sockets.every(({ readyState }) => readyState === 'open'));
  const [bystander] = await openSilent(1, newAddress());
  assert.match(await request(bystander as Socket), /200 OK/);
  await closeAll(...sockets, bystander as Socket);
});

test('12 seconds after a request, the connections of its address do not count as new any more', async () => {
  const address = newAddress();
  const sockets = await openSilent(20, address);
  await request(sockets[0] as Socket);
  const [refused] = await openSilent(1, address);
  await until(() => refused?.readyState !== 'open');
  const now = performance.now.bind(performance);
  const later = mock.method(performance, 'now', () => now() + 12_000);
  const [accepted] = await openSilent(1, address);
  assert.match(await request(accepted as Socket), /200 OK/);
  later.mock.restore();
  await closeAll(...sockets, accepted as Socket);
});

test('the limit of an address does not count a trusted proxy, and the total does', async () => {
  const proxied = await openSilent(MAX + 5, PROXY);
  await until(() => proxied.filter(({ readyState }) => readyState === 'open').length === MAX);
  assert.equal(connections.count, MAX);
  await closeAll(...proxied);
});

test('the count is right after sockets, requests, half requests and wrong requests have closed', async () => {
  const { token } = await addUser();
  const endings: ((socket: Socket) => unknown)[] = [
    (socket) => socket.destroy(),
    (socket) => socket.resetAndDestroy(),
    (socket) => socket.end('GET / HTTP/1.1\r\nHo'),
    (socket) => socket.end('no request\r\n\r\n'),
    (socket) => request(socket).then(() => socket.destroy()),
    (socket) => request(socket, '/api/nothing').then(() => socket.resetAndDestroy()),
  ];
  for (let round = 0; round < 5; round++) {
    const client = await Client.connect(url, token, 'classic');
    const sockets = await openSilent(endings.length, newAddress());
    await Promise.all(sockets.map((socket, index) => endings[index]?.(socket)));
    await client.close();
  }
  await until(() => connections.count === 0);
  await tick();
});

test('the limit of descriptors is the one of this process', () => {
  const shown = execFileSync('sh', ['-c', 'grep "Max open files" /proc/$PPID/limits'], { encoding: 'utf8' });
  assert.equal(String(maxDescriptors()), shown.split(/ +/)[3]);
});
