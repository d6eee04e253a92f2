import { freePort } from '../../shared/local/ports.ts';
import { FieldFinder, readNumber } from '../frame-fields.ts';
import { type Dialect, type Peer, type RunningPeer, type Setup, stopAll } from './peer.ts';
import { createTable } from './plain-peers.ts';
import { startProgram, waitUntilListening } from './programs.ts';

export const socketIo: Peer = {
  name: 'socket.io',
  title: 'Socket.IO 4 + Redis + insert',
  start: (setup) => startSocketIo(setup, 1),
};

export const twoSocketIos: Peer = {
  name: 'socket.io-2',
  title: 'Socket.IO 4 + Redis + insert, 2 processes',
  start: (setup) => startSocketIo(setup, 2),
};

async function startSocketIo(setup: Setup, processes: number): Promise<RunningPeer> {
  await createTable(setup.databaseUrl);
  const ports = await Promise.all(Array.from({ length: processes }, freePort));
  const children = ports.map((port) =>
    startProgram(setup.logs, 'socket-io', [`${port}`, setup.redisUrl, setup.databaseUrl]),
  );
  for (const [index, child] of children.entries()) await waitUntilListening(child, ports[index] as number, setup.logs);
  return {
    urls: ports.map((port) => `http://127.0.0.1:${port}`),
    dialect: socketIoDialect(setup),
    children,
    receivers: setup.members / setup.rooms,
    stop: () => stopAll(children),
  };
}

/** The first digit of a packet is its type in Engine.IO, the second is its type in Socket.IO. */
const [OPEN, PING, MESSAGE] = Buffer.from('024') as unknown as [number, number, number];
const [CONNECT, EVENT, ACK] = Buffer.from('023') as unknown as [number, number, number];
/** `42["joined"]` and `42["message",…]` differ in this byte. */
const EVENT_NAME = 4;
const [J] = Buffer.from('j') as unknown as [number];

/** The WebSocket transport of Engine.IO 4, with the text packets of Socket.IO 5. */
function socketIoDialect({ rooms, refs }: Setup): Dialect {
  const refOf = new FieldFinder('ref');
  return {
    upgrade: (member) => ({ path: `/socket.io/?EIO=4&transport=websocket&room=${member % rooms}&sender=${member}` }),
    encode: (_member, index, text) => `42${index}["message",{"ref":"${refs.of(index)}","text":"${text}"}]`,
    read: (bytes, start, end, events) => {
      const [type, subtype] = [bytes[start], bytes[start + 1]];
      if (type === OPEN) return events.reply('40');
      if (type === PING) return events.reply('3');
      if (type === MESSAGE && subtype === ACK) return events.acked(readNumber(bytes, start + 2));
      if (type === MESSAGE && subtype === CONNECT) return;
      if (type !== MESSAGE || subtype !== EVENT) return events.refused(bytes.toString('utf8', start, end));
      if (bytes[start + EVENT_NAME] === J) return events.ready();
      events.delivered(refs.indexIn(bytes, refOf.find(bytes, start, end) + 1));
    },
  };
}
