import { centrifugo } from './centrifugo.ts';
import type { Peer } from './peer.ts';
import { bullmq, uwsEcho, uwsPublish, ws } from './plain-peers.ts';
import { rooms } from './rooms.ts';
import { socketIo, twoSocketIos } from './socket-io.ts';

/** Rooms, then the servers that it is compared with. */
export const allPeers: [typeof rooms, ...Peer[]] = [
  rooms,
  socketIo,
  twoSocketIos,
  ws,
  centrifugo,
  bullmq,
  uwsPublish,
  uwsEcho,
];
