import type { Case } from './case.ts';
import { away, connected, pong } from './openings.ts';

const page = 'resume';
const MANY_ROOMS = 400;
const MAX_RESUMES_OF_GAP = 5;

export const streamCases: Case[] = [
  {
    name: 'changes',
    rule: 'Edits, deletions and renames that the client has missed are messages like all others.',
    page,
    async run(talk) {
      const roomId = talk.room.id;
      await away(talk, () => {
        const [, , first, second] = talk.room.rows;
        talk.write(2);
        for (const text of ['new', 'newest'])
          talk.world.apply(talk.peer.id, { command: 'UpdateMessage', roomId, targetId: first?.id ?? '', text });
        talk.world.apply(talk.peer.id, { command: 'DeleteMessage', roomId, targetId: second?.id ?? '' });
        talk.world.apply(talk.peer.id, { command: 'UpdateRoom', roomId, text: 'new name' });
      });
      await talk.caughtUp();
      await talk.finish();
    },
  },
  {
    name: 'quiet-room',
    rule: 'The position of a room without a message is the `seq` that `Welcome` has for it.',
    page,
    prepare: (talk) => talk.addRoom('second room'),
    async run(talk) {
      const socket = await talk.socket(1);
      await talk.commit(1);
      await talk.caughtUp();
      const second = talk.roomNamed('second room');
      socket.cut();
      talk.write(2, second);
      const { positions } = await talk.socket(2);
      talk.expect(positions?.[second.id] === 2, `the position is ${positions?.[second.id]}, not 2`);
      await talk.finish();
    },
  },
  {
    name: 'cut-replay',
    rule: 'After a cut in the middle of a replay, the client goes on after the last message that it has.',
    page,
    async run(talk) {
      const first = await connected(talk);
      const seq = talk.room.rows.length;
      first.cut();
      talk.write(5);
      talk.server.maxMessages = 2;
      const second = await talk.socket(2);
      await talk.handled(seq + 2);
      talk.write();
      second.cut();
      const { positions } = await talk.socket(3);
      talk.expect(
        positions?.[talk.room.id] === seq + 2,
        `the position is ${positions?.[talk.room.id]}, not ${seq + 2}`,
      );
      await talk.finish();
    },
  },
  {
    name: 'slow-replay',
    rule: 'A replay may stop for some time. The client waits, and handles the rest when it comes.',
    page,
    prepare: (talk) => talk.addRoom('second room'),
    async run(talk) {
      const second = talk.roomNamed('second room');
      await away(talk, () => {
        talk.write(3);
        talk.write(3, second);
        talk.server.maxMessages = 1;
      });
      talk.write(1, second);
      await talk.pause(500);
      talk.server.sockets[1]?.release();
      await talk.caughtUp();
      await talk.finish();
    },
  },
  {
    name: 'gap',
    rule: 'If a seq is missing, the client sends one `Resume` for this room, or reconnects. It handles no message out of order.',
    page,
    async run(talk) {
      const socket = await connected(talk);
      socket.loseMessages(1);
      talk.write(20);
      await talk.caughtUp();
      talk.expect(
        talk.rules.resumes <= MAX_RESUMES_OF_GAP,
        `the client sent ${talk.rules.resumes} Resume frames for one gap`,
      );
      await talk.finish();
    },
  },
  {
    name: 'refused-resume',
    rule: 'If a `Resume` on an open socket is refused, the client sends it again after `retryAfter`, or reconnects.',
    page,
    async run(talk) {
      const socket = await connected(talk);
      talk.server.resumeRefusals = 1;
      socket.loseMessages(1);
      talk.write(2);
      await talk.caughtUp();
      await talk.finish();
    },
  },
  {
    name: 'heads',
    rule: 'If `Heads` has a higher seq than the client, the client sends `Resume` for this room, or reconnects.',
    page: 'heads',
    async run(talk) {
      const socket = await connected(talk);
      socket.sendHeads();
      socket.loseMessages(1);
      talk.write();
      socket.sendHeads();
      await talk.caughtUp();
      await talk.finish();
    },
  },
  {
    name: 'new-epoch',
    rule: 'In another epoch, the client loads the history of each room, and goes on after its `Rooms-Seq`.',
    page: 'resync',
    async run(talk) {
      await away(talk, () => {
        talk.changeEpoch();
        talk.write(2);
      });
      await talk.caughtUp();
      await talk.finish();
    },
  },
  {
    name: 'cut-epoch',
    rule: 'The client loads each room of another epoch, also if the connection ends before `Resync`.',
    page,
    async run(talk) {
      await away(talk, () => {
        talk.changeEpoch();
        talk.write(2);
        talk.server.isReplayLost = true;
      });
      const [, second] = talk.server.sockets;
      if (second) await pong(talk, second);
      talk.server.isReplayLost = false;
      second?.cut();
      await talk.socket(3);
      await talk.finish();
    },
  },
  {
    name: 'resync',
    rule: 'After `Resync`, the client loads the history. It handles the messages after `Rooms-Seq`, and each of them once.',
    page: 'resync',
    async run(talk) {
      await away(talk, () => {
        talk.write(3);
        talk.server.maxReplayed = 2;
        // This message reaches the client on the socket before it is in the history that the client gets.
        talk.server.onRead = () => talk.write(1);
      });
      await talk.until('the history was read', () => talk.server.onRead === undefined);
      talk.write(2);
      await talk.caughtUp();
      await talk.finish();
    },
  },
  {
    name: 'old-page',
    rule: 'If the `Rooms-Seq` of a page is lower than the `seq` of `Resync`, the client loads the page again.',
    page,
    async run(talk) {
      await away(talk, () => {
        talk.write(3);
        talk.server.maxReplayed = 2;
        talk.server.staleReads = 1;
      });
      await talk.caughtUp();
      await talk.finish();
    },
  },
  {
    name: 'many-rooms',
    rule: 'A `Welcome` comes in parts. `Resume` is sent in frames of at most 16 KB, with `more` in all except the last.',
    page,
    prepare: (talk) => {
      for (let index = 0; index < MANY_ROOMS; index++) talk.addRoom(`room ${index}`);
    },
    async run(talk) {
      await talk.socket(1);
      await talk.commit(1);
      for (const socket of talk.server.openSockets) socket.cut();
      talk.write(1, talk.roomNamed(`room ${MANY_ROOMS - 1}`));
      const { resumeFrames } = await talk.socket(2);
      talk.expect(resumeFrames > 1, 'the client sent one Resume frame for very many rooms');
      await talk.caughtUp();
      await talk.finish();
    },
  },
];
