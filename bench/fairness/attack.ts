import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { newId } from '../../shared/contract/ids.ts';
import { PASSWORD } from '../accounts.ts';

// The process of the user who disturbs the others: node attack.ts <url> <attack as JSON>. It is a process of its own, so
// it does not delay the process that measures. It sends its parent a message when it begins, and ends with its parent.

/** What one user does. */
export type Attack =
  | { kind: 'commands'; tokens: string[]; sockets: number; frame: object; count: number; seconds: number }
  | {
      kind: 'requests';
      method: 'GET' | 'POST';
      path: string;
      token?: string;
      bodies?: object[];
      connections: number;
      perSecond: number;
    }
  | { kind: 'reconnects'; token: string }
  | { kind: 'idle connections'; count: number };

/** The attack ends after this time, also if nobody stops it. */
const MAX_ATTACK_MS = 30_000;
const REOPEN_AFTER_MS = 1_000;

if (process.argv[1] === import.meta.filename) {
  const [url, attack] = process.argv.slice(2) as [string, string];
  setTimeout(() => process.exit(), MAX_ATTACK_MS).unref();
  process.on('disconnect', () => process.exit());
  await run(url, JSON.parse(attack));
}

async function run(url: string, attack: Attack): Promise<void> {
  if (attack.kind === 'commands') await sendCommands(url, attack);
  else if (attack.kind === 'requests') await sendRequests(url, attack);
  else if (attack.kind === 'idle connections') await holdConnections(url, attack.count);
  else await reconnect(url, attack.token);
}

/** Sends the frame many times over all sockets of all users in turn, evenly in the given time. Then keeps the sockets open. */
async function sendCommands(url: string, { tokens, sockets, frame, count, seconds }: Attack & { kind: 'commands' }) {
  const opened = await Promise.all(
    tokens.flatMap((token) => Array.from({ length: sockets }, () => openSocket(url, token))),
  );
  process.send?.('begins');
  const startedAt = performance.now();
  for (let sent = 0; sent < count; ) {
    const due = Math.ceil(((performance.now() - startedAt) / 1_000 / seconds) * count);
    for (; sent < Math.min(due, count); sent++) {
      opened[sent % opened.length]?.send(JSON.stringify({ ref: newId(), ...frame }));
    }
    await wait(1);
  }
}

/** Each connection sends its next request when the last one is answered, but all together keep to the rate. */
async function sendRequests(url: string, attack: Attack & { kind: 'requests' }): Promise<void> {
  process.send?.('begins');
  const agent = new Agent({ keepAlive: true, maxSockets: attack.connections });
  const startedAt = performance.now();
  let sent = 0;
  const sendOneByOne = async () => {
    for (;;) {
      const dueMs = startedAt + (sent / attack.perSecond) * 1_000 - performance.now();
      const body = attack.bodies?.[sent++ % attack.bodies.length];
      if (dueMs > 0) await wait(dueMs);
      await send(url, agent, attack, body);
    }
  };
  await Promise.all(Array.from({ length: attack.connections }, sendOneByOne));
}

function send(url: string, agent: Agent, { method, path, token }: Attack & { kind: 'requests' }, body?: object) {
  return new Promise<void>((resolve) => {
    const headers = {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body && { 'content-type': 'application/json' }),
    };
    const sending = request(url + path, { method, agent, headers }, (answer) => answer.resume().on('close', resolve));
    sending.on('error', () => setTimeout(resolve, 10));
    sending.end(body && JSON.stringify(body));
  });
}

/** Opens a socket, waits until it is attached, closes it, and so on. */
async function reconnect(url: string, token: string): Promise<void> {
  process.send?.('begins');
  for (;;) {
    const socket = await openSocket(url, token);
    socket.terminate();
  }
}

/** Holds connections that send nothing. Opens each again that the gateway closes. */
async function holdConnections(url: string, count: number): Promise<void> {
  const { hostname, port } = new URL(url);
  const hold = async () => {
    for (;;) {
      const connection = connect(Number(port), hostname).resume();
      connection.on('error', () => undefined);
      await once(connection, 'close');
      await wait(REOPEN_AFTER_MS);
    }
  };
  process.send?.('begins');
  await Promise.all(Array.from({ length: count }, hold));
}

/** Resolves with the first frame, also if the socket is refused. */
function openSocket(url: string, token: string): Promise<WebSocket> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/ws`, ['rooms.v1'], {
      headers: { authorization: `Bearer ${token}` },
    });
    for (const event of ['message', 'close', 'error'] as const) socket.once(event, () => resolve(socket));
  });
}

/** The logins of these accounts, with the right passwords. */
export const loginsOf = (emails: string[]) => emails.map((email) => ({ email, password: PASSWORD }));
