import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { Redis } from 'ioredis';
import { testServices } from '../../test/support/system.ts';
import { until } from '../../test/support/until.ts';
import { connectDatabase } from '../database.ts';
import { freePort } from './ports.ts';
import { TcpProxy } from './tcp-proxy.ts';

/** A server that sends back each byte. */
const server = createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1');
await once(server, 'listening');
after(() => server.close());

async function openProxy(target = `http://127.0.0.1:${(server.address() as AddressInfo).port}`): Promise<TcpProxy> {
  const proxy = await TcpProxy.open(target);
  after(() => proxy.close());
  return proxy;
}

/** A connection through the proxy, with the text that came back and how it ended. */
function open({ port }: TcpProxy) {
  const socket = connect(port, '127.0.0.1');
  const connection = { socket, received: '', end: '' };
  socket.on('data', (bytes) => {
    connection.received += bytes;
  });
  socket.on('error', ({ code }: NodeJS.ErrnoException) => {
    connection.end = `${code}`;
  });
  socket.on('end', () => {
    connection.end = 'FIN';
  });
  after(() => socket.destroy());
  return connection;
}

async function sendAndReceive(connection: { socket: Socket; received: string }, text: string): Promise<void> {
  connection.socket.write(text);
  await until(() => connection.received.endsWith(text));
}

for (const [way, end] of [
  ['rst', 'ECONNRESET'],
  ['fin', 'FIN'],
] as const)
  test(`the cut ${way} ends open links with ${end}, and new links work`, async () => {
    const proxy = await openProxy();
    const connection = open(proxy);
    await sendAndReceive(connection, 'hello');
    assert.equal(proxy.cut(way), 1);
    await until(() => connection.end === end);
    await sendAndReceive(open(proxy), 'again');
  });

test('if the server accepts no connection, a client gets a reset, or the refusal if there is one', async () => {
  const proxy = await openProxy(`http://127.0.0.1:${await freePort()}`);
  const first = open(proxy);
  await until(() => first.end === 'ECONNRESET');
  proxy.refusal = 'not now';
  const second = open(proxy);
  await until(() => second.end === 'FIN');
  assert.equal(second.received, 'not now');
});

test('a deaf link stays open and passes nothing, also after heal, and new links work', async () => {
  const proxy = await openProxy();
  const deaf = open(proxy);
  await sendAndReceive(deaf, 'hello');
  assert.equal(proxy.cut('deaf'), 1);
  deaf.socket.write('is this lost?');
  proxy.heal();
  deaf.socket.write('and this?');
  await sendAndReceive(open(proxy), 'a new link');
  assert.deepEqual([deaf.received, deaf.end, proxy.links.size], ['hello', '', 2]);
});

test('after the cut accept-deaf, new links are accepted and pass nothing, until heal', async () => {
  const proxy = await openProxy();
  const first = open(proxy);
  await sendAndReceive(first, 'hello');
  proxy.cut('accept-deaf');
  await until(() => first.end === 'ECONNRESET');
  const second = open(proxy);
  await once(second.socket, 'connect');
  second.socket.write('is this lost?');
  await until(() => proxy.links.size === 1);
  proxy.heal();
  await sendAndReceive(open(proxy), 'a new link');
  assert.deepEqual([second.received, second.end], ['', '']);
});

test('a slow proxy delays bytes in both directions, and keeps their order', async () => {
  const proxy = await openProxy();
  const connection = open(proxy);
  const text = Array.from({ length: 1_000 }, (_, index) => `line ${index}\n`).join('');
  proxy.pace = { delayMs: 20, bytesPerSecond: 100_000 };
  const startedAt = performance.now();
  for (const line of text.split(/(?<=\n)/)) connection.socket.write(line);
  await until(() => connection.received.length === text.length);
  assert.equal(connection.received, text);
  assert.ok(performance.now() - startedAt >= 40 + (text.length / 100_000) * 1_000 - 2);
  proxy.heal();
});

test('a filter sees and replaces what the server sends', async () => {
  const proxy = await openProxy();
  proxy.onReply = (bytes) => (`${bytes}` === 'drop' ? undefined : Buffer.from(`${bytes}`.toUpperCase()));
  const connection = open(proxy);
  connection.socket.write('drop');
  await until(() => proxy.links.size === 1);
  proxy.onReply = (bytes) => Buffer.from(`${bytes}`.toUpperCase());
  connection.socket.write('pass');
  await until(() => connection.received.endsWith('PASS'));
});

test('a proxy passes new links to its new target', async () => {
  const proxy = await openProxy('http://127.0.0.1:1');
  const refused = open(proxy);
  await until(() => refused.end !== '');
  proxy.target = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await sendAndReceive(open(proxy), 'hello');
});

test('a proxy knows the connections of Redis by their names and commands, and cuts only those that match', async () => {
  const proxy = await openProxy(testServices().redisUrl);
  const openRedis = (connectionName: string) => {
    const redis = new Redis(proxy.url, { connectionName });
    after(() => redis.disconnect());
    return redis;
  };
  const [producer, consumer] = [openRedis('rooms-gateway-producer'), openRedis('rooms-worker-consumer')];
  const [blocking, subscriber] = [openRedis('rooms-worker-consumer'), openRedis('')];
  await Promise.all([producer.ping(), consumer.ping(), subscriber.subscribe('a channel')]);
  const waiting = blocking.bzpopmin('no such key', 0);
  waiting.catch(() => undefined);
  const kinds = () => [...proxy.links].map(({ kind }) => kind).toSorted();
  await until(() => kinds().join() === 'blocking,consumer,producer,subscriber');
  assert.deepEqual([...proxy.links].map(({ name }) => name).filter(Boolean).length, 3);
  const closed = once(subscriber, 'close');
  assert.equal(
    proxy.cut('fin', ({ kind }) => kind === 'subscriber'),
    1,
  );
  await closed;
  assert.equal(await producer.ping(), 'PONG');
});

test('a proxy knows the connections of Postgres by their application name', async () => {
  const proxy = await openProxy(testServices().databaseUrl);
  const database = connectDatabase(proxy.url, { name: 'rooms-gateway', max: 1, readOnly: true, timeout: 0 });
  after(() => database.end());
  assert.equal((await database`select 1 as one`)[0]?.one, 1);
  assert.deepEqual(
    [...proxy.links].map(({ kind, name }) => [kind, name]),
    [['postgres', 'rooms-gateway']],
  );
});

test('a proxy closes although a link that has ended on one side is cut with a reset', async () => {
  // Node does not end a process as long as one handle is open.
  const handles = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
  const before = handles();
  const proxy = await openProxy();
  const connections = Array.from({ length: 20 }, () => open(proxy));
  await Promise.all(connections.map((connection) => sendAndReceive(connection, 'hello')));
  proxy.cut('fin');
  proxy.cut('rst');
  await until(() => handles() <= before);
});
