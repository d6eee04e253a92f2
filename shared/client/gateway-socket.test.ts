import assert from 'node:assert/strict';
import { afterEach, mock, test } from 'node:test';
import { GatewaySocket, type SocketLike } from './gateway-socket.ts';
import type { Welcome } from './protocol.ts';

/** A connection on which nothing arrives, as after a laptop was closed. */
class SilentSocket implements SocketLike {
  static last: SilentSocket;
  onopen = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onerror = null;
  onclose = null;
  isClosed = false;

  constructor() {
    SilentSocket.last = this;
  }

  send(): void {
    assert.fail('nothing is sent');
  }

  close(): void {
    this.isClosed = true;
  }
}

afterEach(() => mock.reset());

function openSocket() {
  let nowMs = 0;
  mock.timers.enable({ apis: ['setInterval'] });
  mock.method(performance, 'now', () => nowMs);
  const ends: string[] = [];
  const welcomes: Welcome[] = [];
  const ignore = () => undefined;
  new GatewaySocket(SilentSocket, 'ws://localhost', {
    onOpen: () => [],
    onWelcome: (welcome) => welcomes.push(welcome),
    onFrame: ignore,
    onClose: (code, reason) => ends.push(`${code} ${reason}`),
  });
  const receive = (frame: object) => SilentSocket.last.onmessage?.({ data: JSON.stringify(frame) });
  const wait = (seconds: number) => {
    nowMs += seconds * 1_000;
    mock.timers.tick(1_000);
  };
  return { ends, welcomes, receive, wait };
}

const welcome = (rooms: string[], more?: boolean) => ({
  ...{ command: 'Welcome', user: { id: 'bob' }, epoch: 'the epoch', rooms: rooms.map((id) => ({ id, seq: 1 })), more },
});

test('a connection without a frame for 60 seconds is ended, without a close handshake', () => {
  const { ends, receive, wait } = openSocket();
  receive(welcome([]));
  wait(59);
  receive({ command: 'Heads', rooms: {} });
  wait(59);
  assert.deepEqual([ends, SilentSocket.last.isClosed], [[], false]);
  wait(2);
  assert.deepEqual([ends, SilentSocket.last.isClosed], [['1006 silent'], true]);
  wait(60);
  assert.equal(ends.length, 1);
});

test('a connection without a Welcome for 20 seconds is ended', () => {
  const { ends, wait } = openSocket();
  wait(19);
  assert.deepEqual(ends, []);
  wait(2);
  assert.deepEqual(ends, ['1006 silent']);
});

test('the parts of a Welcome are one Welcome', () => {
  const { welcomes, receive } = openSocket();
  receive(welcome(['a', 'b'], true));
  assert.equal(welcomes.length, 0);
  receive(welcome(['c']));
  assert.deepEqual(
    welcomes[0]?.rooms.map(({ id }) => id),
    ['a', 'b', 'c'],
  );
});
