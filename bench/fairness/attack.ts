import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { newId } from '../../shared/contract/ids.ts';
import { PASSWORD } from '../accounts.ts';

/** What one user does. Without a count, it does not end. */
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
      count?: number;
    }
  | { kind: 'reconnects'; token: string; count?: number }
  | { kind: 'idle connections'; count: number };

/** How often each answer came: a status over HTTP, `Welcome`, `Ack`, an error code, or `closed` without an answer. */
export type Answers = Map<string, number>;

const REOPEN_AFTER_MS = 1_000;

/**
 * @param begin is called when the accounts are connected and the attack begins
 * @param signal ends the attack. The counted attacks also end without it.
 */
export async function runAttack(url: string, attack: Attack, begin: () => void, signal: AbortSignal): Promise<Answers> {
  const answers: Answers = new Map();
  const note = (answer: string) => void answers.set(answer, (answers.get(answer) ?? 0) + 1);
  if (attack.kind === 'commands') await sendCommands(url, attack, begin, note);
  else {
    begin();
    if (attack.kind === 'requests') await sendRequests(url, attack, signal, note);
    else if (attack.kind === 'reconnects') await reconnect(url, attack, signal, note);
    else await holdConnections(url, attack.count, signal);
  }
  return answers;
}

/** The logins of these accounts, with the right passwords. */
export const loginsOf = (emails: string[]) => emails.map((email) => ({ email, password: PASSWORD }));

/** Sends the frame many times over all sockets of all users in turn, evenly in the given time. Then waits for all answers. */
async function sendCommands(
  url: string,
  { tokens, sockets, frame, count, seconds }: Attack & { kind: 'commands' },
  begin: () => void,
  note: (answer: string) => void,
): Promise<void> {
  const opened = await Promise.all(
    tokens.flatMap((token) => Array.from({ length: sockets }, () => openSocket(url, token))),
  );
  const { promise, resolve } = Promise.withResolvers<void>();
  let answered = 0;
  const answer = (text: string) => {
    note(text);
    if (++answered === count) resolve();
  };
  const senders = opened.map(({ socket }) => sendOver(socket, answer));
  begin();
  const startedAt = performance.now();
  for (let sent = 0; sent < count; ) {
    const due = Math.ceil(((performance.now() - startedAt) / 1_000 / seconds) * count);
    for (; sent < Math.min(due, count); sent++) senders[sent % senders.length]?.({ ref: newId(), ...frame });
    await wait(1);
  }
  await promise;
  for (const { socket } of opened) socket.terminate();
}

/** @returns a function that sends a command. `answer` is called once for each. */
function sendOver(socket: WebSocket, answer: (text: string) => void): (frame: object) => void {
  let waiting = 0;
  socket.on('message', (bytes) => {
    const { command, code } = JSON.parse(`${bytes}`) as { command: string; code?: string };
    if (command !== 'Ack' && command !== 'Error') return;
    waiting--;
    answer(code ?? command);
  });
  socket.on('close', () => {
    for (; waiting > 0; waiting--) answer('closed');
  });
  return (frame) => {
    if (socket.readyState !== WebSocket.OPEN) return answer('closed');
    waiting++;
    socket.send(JSON.stringify(frame));
  };
}

/** Each connection sends its next request when the last one is answered, but all together keep to the rate. */
async function sendRequests(
  url: string,
  attack: Attack & { kind: 'requests' },
  signal: AbortSignal,
  note: (answer: string) => void,
): Promise<void> {
  const { bodies, connections, perSecond, count = Number.POSITIVE_INFINITY } = attack;
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const startedAt = performance.now();
  let sent = 0;
  const sendOneByOne = async () => {
    while (sent < count && !signal.aborted) {
      const number = sent++;
      const dueMs = startedAt + (number / perSecond) * 1_000 - performance.now();
      if (dueMs > 0) await wait(dueMs);
      note(await send(url, agent, attack, bodies?.[number % bodies.length]));
    }
  };
  await Promise.all(Array.from({ length: connections }, sendOneByOne));
  agent.destroy();
}

/** @returns the status of the answer */
function send(
  url: string,
  agent: Agent,
  { method, path, token }: Attack & { kind: 'requests' },
  body?: object,
): Promise<string> {
  return new Promise((resolve) => {
    const headers = {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body && { 'content-type': 'application/json' }),
    };
    const sending = request(url + path, { method, agent, headers }, (answer) =>
      answer.resume().on('close', () => resolve(`${answer.statusCode}`)),
    );
    sending.on('error', () => setTimeout(resolve, 10, 'closed'));
    sending.end(body && JSON.stringify(body));
  });
}

/** Opens a socket, waits until it is attached, closes it, and so on. */
async function reconnect(
  url: string,
  { token, count = Number.POSITIVE_INFINITY }: Attack & { kind: 'reconnects' },
  signal: AbortSignal,
  note: (answer: string) => void,
): Promise<void> {
  for (let opened = 0; opened < count && !signal.aborted; opened++) {
    const { socket, first } = await openSocket(url, token);
    note(first);
    socket.terminate();
  }
}

/** Holds connections that send nothing. Opens each again that the gateway closes. */
async function holdConnections(url: string, count: number, signal: AbortSignal): Promise<void> {
  const { hostname, port } = new URL(url);
  const hold = async () => {
    while (!signal.aborted) {
      const connection = connect({ host: hostname, port: Number(port), signal }).resume();
      connection.on('error', () => undefined);
      await new Promise((resolve) => connection.once('close', resolve));
      await wait(REOPEN_AFTER_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: count }, hold));
}

/** Resolves with the command of the first frame, or with `closed`. */
function openSocket(url: string, token: string): Promise<{ socket: WebSocket; first: string }> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/ws`, ['rooms.v1'], {
      headers: { authorization: `Bearer ${token}` },
    });
    socket.once('message', (bytes) => resolve({ socket, first: JSON.parse(`${bytes}`).command }));
    for (const event of ['close', 'error'] as const) socket.once(event, () => resolve({ socket, first: 'closed' }));
  });
}
