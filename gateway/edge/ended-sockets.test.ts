import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { limits } from '../../shared/contract/limits.ts';
import { Client } from '../../test/support/client.ts';
import { openTestGateway } from '../../test/support/in-process.ts';
import { until } from '../../test/support/until.ts';
import { countDescriptors } from './descriptors.ts';

const MAX_DESCRIPTORS = 300;
const SOCKETS = 400;
execFileSync('prlimit', ['--pid', `${process.pid}`, `--nofile=${MAX_DESCRIPTORS}:`]);
const { url, addUser } = await openTestGateway();

/**
 * Opens sockets in another process, one after the other. Each has a wrong token, so the gateway ends it.
 * @param closes false if the client never closes its side of a connection
 */
async function openWrongSockets(closes: boolean): Promise<void> {
  const headers = 'Upgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\\r\\n';
  const script = `
    const { connect } = require('node:net');
    const options = { port: ${new URL(url).port}, host: '127.0.0.1', allowHalfOpen: ${!closes} };
    const open = (left) => {
      if (left === 0) return console.log('done');
      const socket = connect(options);
      socket.on('error', () => undefined);
      socket.write('GET /api/ws HTTP/1.1\\r\\nHost: x\\r\\nAuthorization: Bearer x\\r\\n${headers}\\r\\n');
      let isDone = false;
      const next = () => { if (!isDone) open(left - 1); isDone = true; };
      socket.on('data', (bytes) => { if (bytes.includes('bad_token')) ${closes} ? socket.end() : next(); });
      socket.on('end', next).on('close', next);
    };
    open(${SOCKETS});
    setInterval(() => undefined, 1_000);`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  after(() => child.kill());
  await once(child.stdout, 'data');
}

test('after many sockets that the gateway ended and that their clients closed, a new client is served', async () => {
  await openWrongSockets(true);
  // A new connection can be refused until the descriptors are counted.
  await until(async () => (await fetch(`${url}/healthz`).catch(() => undefined))?.status === 200);
  const client = await Client.connect(url, (await addUser()).token);
  await client.close();
});

test('sockets that the gateway ended and that their clients keep open leave enough descriptors', async () => {
  const { token } = await addUser();
  const client = await Client.connect(url, token);
  let isOver = false;
  void openWrongSockets(false).then(() => {
    isOver = true;
  });
  await until(async () => {
    const left = MAX_DESCRIPTORS - (await countDescriptors());
    assert.ok(left >= limits.RESERVED_DESCRIPTORS / 2, `${left} descriptors are left`);
    return isOver;
  }, 60_000);
  await client.commit({ command: 'CreateRoom', text: 'a room' });
  await client.close();
});
