import { connectDatabase } from '../../shared/database.ts';
import { Cluster } from '../../shared/local/cluster.ts';
import { migrate } from '../../sql/migrate.ts';
import type { Account } from '../accounts.ts';
import { createRooms } from '../fixture.ts';
import { FieldFinder } from '../frame-fields.ts';
import { type Dialect, type Peer, type Setup, stopAll } from './peer.ts';

/** Rooms itself, with one gateway and one worker. */
export const rooms: Peer = {
  name: 'rooms',
  title: 'Rooms',
  start: async (setup) => {
    const { databaseUrl, redisUrl, logs } = setup;
    await migrate(databaseUrl);
    const cluster = await Cluster.start({ databaseUrl, redisUrl, logs, gateways: 1, workers: 1 });
    const database = connectDatabase(databaseUrl, { name: 'rooms-bench', max: 2, readOnly: false, timeout: 0 });
    const url = cluster.urls[0] as string;
    const { accounts, roomIds } = await createRooms({ url, secret: cluster.secret, database }, setup);
    await database.end();
    const children = [...cluster.gateways, ...cluster.workers];
    const dialect = roomsDialect(setup, accounts, roomIds);
    return {
      urls: cluster.urls,
      dialect,
      children,
      receivers: setup.members / setup.rooms,
      stop: () => stopAll(children),
    };
  },
};

const [A, C, E, W] = Buffer.from('AcEW') as unknown as [number, number, number, number];

function roomsDialect({ refs }: Setup, accounts: Account[], roomIds: string[]): Dialect {
  const commandOf = new FieldFinder('command');
  const [refOfAck, refOfMessage] = [new FieldFinder('ref'), new FieldFinder('ref')];
  return {
    upgrade: (member) => ({ path: '/api/ws', token: accounts[member]?.token as string }),
    encode: (member, index, text) => {
      const roomId = roomIds[member % roomIds.length] as string;
      return JSON.stringify({ command: 'CreateMessage', roomId, text, ref: refs.of(index) });
    },
    read: (bytes, start, end, events) => {
      const command = commandOf.find(bytes, start, end) + 1;
      if (bytes[command] === W) return events.ready();
      if (bytes[command] === E) return events.refused(bytes.toString('utf8', start, end));
      // `Ack`, but not `AddUser`.
      if (bytes[command] === A && bytes[command + 1] === C)
        return events.acked(refs.indexIn(bytes, refOfAck.find(bytes, start, end) + 1));
      const index = refs.indexIn(bytes, refOfMessage.find(bytes, start, end) + 1);
      if (index >= 0) events.delivered(index);
    },
  };
}
