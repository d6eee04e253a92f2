import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { type WebSocket, WebSocketServer } from 'ws';
import { Ledger, type LedgerRoom } from './ledger.ts';
import { runClosedLoop } from './load.ts';
import { Member } from './member.ts';

const MESSAGES = 100;
const FIRST_SEQ = 2;
/** The message at which a wrong server makes its fault. */
const FAULTY = 50;

type Frame = Record<string, unknown>;
/** Sends the frames of one message to one socket. The second socket is the last argument. */
type Deliver = (send: (frame: Frame) => void, frames: Frame[], seq: number, isSecond: boolean) => void;

const deliverCorrectly: Deliver = (send, frames) => send(frames.at(-1) as Frame);
const faults: Record<string, Deliver> = {
  lost: (send, frames, seq, isSecond) => {
    if (!isSecond || seq !== FAULTY) send(frames.at(-1) as Frame);
  },
  doubled: (send, frames, seq, isSecond) => {
    send(frames.at(-1) as Frame);
    if (isSecond && seq === FAULTY) send(frames.at(-1) as Frame);
  },
  swapped: (send, frames, seq, isSecond) => {
    if (isSecond && seq === FAULTY) return;
    send(frames.at(-1) as Frame);
    if (isSecond && seq === FAULTY + 1) send(frames.at(-2) as Frame);
  },
  'replaced by another message': (send, frames, seq, isSecond) => {
    const wrong = isSecond && seq === FAULTY ? { ...frames.at(-1), ref: frames.at(-2)?.ref } : frames.at(-1);
    send(wrong as Frame);
  },
};

/** Two sockets send through a server that numbers the messages as a gateway does, and delivers them as `deliver` does. */
async function runWith(deliver: Deliver): Promise<{ ledger: Ledger; members: Member[] }> {
  const roomId = randomUUID();
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const [sockets, frames]: [WebSocket[], Frame[]] = [[], []];
  server.on('connection', (socket) => {
    sockets.push(socket);
    const rooms = [{ id: roomId, seq: FIRST_SEQ - 1 }];
    socket.send(JSON.stringify({ command: 'Welcome', user: { id: randomUUID() }, rooms, epoch: randomUUID() }));
    socket.on('message', (data) => {
      const { ref, text } = JSON.parse(data.toString());
      const seq = FIRST_SEQ + frames.length;
      frames.push({ id: randomUUID(), seq, roomId, command: 'CreateMessage', text, ref });
      socket.send(JSON.stringify({ command: 'Ack', ref, id: randomUUID(), roomId, seq }));
      sockets.forEach((each, index) => {
        deliver((frame) => each.send(JSON.stringify(frame)), frames, seq, index === 1);
      });
    });
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ledger = new Ledger(MESSAGES);
  const room: LedgerRoom = { id: roomId, initialSeq: FIRST_SEQ - 1, order: [] };
  const members = [await Member.connect(url, '', [room], 0, ledger), await Member.connect(url, '', [room], 1, ledger)];
  await runClosedLoop(members, ledger, 5, () => ledger.isFull);
  for (const member of members) member.close();
  for (const socket of sockets) socket.terminate();
  server.close();
  return { ledger, members };
}

test('a ledger finds no error when every socket receives every message once and in order', async () => {
  const { ledger } = await runWith(deliverCorrectly);
  assert.deepEqual(ledger.errors, []);
  assert.equal(ledger.acked, MESSAGES);
  assert.equal(ledger.acks.samples, MESSAGES);
});

for (const [fault, deliver] of Object.entries(faults))
  test(`a ledger finds a message that is ${fault}`, async () => {
    const { ledger } = await runWith(deliver);
    assert.match(
      ledger.errors[0] ?? 'no error',
      /^socket (1: received seq \d+ where \d+|[01]: received another message)/,
    );
  });

/** A ledger with one message, and the only reader of its room. */
function sendOne() {
  const ledger = new Ledger(1);
  const room: LedgerRoom = { id: randomUUID(), initialSeq: 0, order: [] };
  return { ledger, index: ledger.recordSending(0, room, 0), reader: { number: 0, room, nextSeq: 1 } };
}

for (const code of ['busy', 'expired'])
  test(`a message that was refused as ${code} and sent again is acked without an error`, () => {
    const { ledger, index, reader } = sendOne();
    const now = performance.now() + 1;
    assert.equal(ledger.recordRefusal(index, code), false);
    assert.deepEqual(ledger.takeSilent(now), [{ index, sender: 0 }]);
    ledger.recordDelivery(reader, index, 1);
    assert.deepEqual([ledger.recordAck(index, 1), ledger.recordAck(index, 1)], [true, false]);
    assert.deepEqual([ledger.inFlight, ledger.errors], [0, []]);
  });

test('a ledger finds a message that was refused and then stored', () => {
  for (const code of ['busy', 'not_a_member']) {
    const { ledger, index, reader } = sendOne();
    ledger.recordRefusal(index, code);
    ledger.recordDelivery(reader, index, 1);
    assert.match(ledger.errors.join(), /^message 0: refused, and then stored with seq 1$/);
  }
});

test('after unknown_outcome, a message may be stored', () => {
  const { ledger, index, reader } = sendOne();
  assert.equal(ledger.recordRefusal(index, 'unknown_outcome'), false);
  ledger.recordDelivery(reader, index, 1);
  assert.deepEqual(ledger.errors, []);
});
