import type { Conversation } from '../conversation.ts';
import type { Case } from './case.ts';
import { away } from './openings.ts';

const page = 'resume';
const OTHER = 'other room';

const addOther = (talk: Conversation) => void talk.addRoom(OTHER);
const other = (talk: Conversation) => talk.roomNamed(OTHER);

/** Changes the other room while the client has no connection. The client has a message of that room. */
const awayDuring = (talk: Conversation, change: (talk: Conversation) => void): Promise<void> =>
  away(talk, () => change(talk), [other(talk), talk.room]);

/** The last message of the room for the client is its own `RemoveUser`. */
function writeAndRemove(talk: Conversation): void {
  talk.write(1, other(talk));
  talk.remove(other(talk));
  talk.write(2, other(talk));
}

function removeAndAddAgain(talk: Conversation): void {
  talk.write(1, other(talk));
  talk.remove(other(talk));
  talk.write(3, other(talk));
  talk.add(other(talk));
  talk.write(1, other(talk));
}

function writeAndDeleteRoom(talk: Conversation): void {
  const room = other(talk);
  talk.write(1, room);
  talk.world.apply(talk.peer.id, { command: 'DeleteRoom', roomId: room.id });
}

/** Cuts the connection once more: the `Resume` of the next one shows what the client has forgotten. */
async function reconnectAndFinish(talk: Conversation): Promise<void> {
  await talk.caughtUp();
  const { length } = talk.server.sockets;
  for (const socket of talk.server.openSockets) socket.cut();
  await talk.socket(length + 1);
  await talk.finish();
}

export const roomCases: Case[] = [
  {
    name: 'added',
    rule: 'A room that the client is added to begins with the own `AddUser` message. Then it is in `Resume`.',
    page,
    async run(talk) {
      await talk.socket(1);
      talk.addRoom(OTHER);
      talk.write(2, other(talk));
      await reconnectAndFinish(talk);
    },
  },
  {
    name: 'added-meanwhile',
    rule: 'A room that the client was added to without a connection begins with the own `AddUser` message.',
    page,
    async run(talk) {
      await away(talk, () => {
        talk.addRoom(OTHER);
        talk.write(2, other(talk));
      });
      await reconnectAndFinish(talk);
    },
  },
  {
    name: 'removed',
    rule: 'After the own `RemoveUser`, no message of the room follows. Nothing is missing.',
    page,
    prepare: addOther,
    async run(talk) {
      await talk.socket(1);
      writeAndRemove(talk);
      await talk.handled(4, other(talk));
      await reconnectAndFinish(talk);
    },
  },
  {
    name: 'left',
    rule: 'After `Left`, the client forgets the room: no later `Resume` has it.',
    page: 'left',
    prepare: addOther,
    async run(talk) {
      await awayDuring(talk, writeAndRemove);
      await talk.handled(5, other(talk));
      await reconnectAndFinish(talk);
    },
  },
  {
    name: 'only-left',
    rule: 'If too many messages of an ended membership are missing, only `Left` comes. The client forgets the room.',
    page: 'left',
    prepare: addOther,
    async run(talk) {
      talk.server.maxReplayed = 1;
      await awayDuring(talk, writeAndRemove);
      talk.write();
      await reconnectAndFinish(talk);
    },
  },
  {
    name: 'removed-and-back',
    rule: 'The seq of a room may jump to the own `AddUser`. This is no gap.',
    page,
    prepare: addOther,
    async run(talk) {
      await talk.socket(1);
      removeAndAddAgain(talk);
      await reconnectAndFinish(talk);
      talk.expect(talk.rules.resumes === 0, 'the client sent Resume for a jump');
    },
  },
  {
    name: 'back-meanwhile',
    rule: 'The jump to the own `AddUser` may come in a replay, after the end of the membership before.',
    page,
    prepare: addOther,
    async run(talk) {
      await awayDuring(talk, removeAndAddAgain);
      await reconnectAndFinish(talk);
      talk.expect(talk.rules.resumes === 0, 'the client sent Resume for a jump');
    },
  },
  {
    name: 'deleted-room',
    rule: 'After `DeleteRoom`, no message of the room follows. Nothing is missing.',
    page,
    prepare: addOther,
    async run(talk) {
      await talk.socket(1);
      writeAndDeleteRoom(talk);
      await talk.handled(4, other(talk));
      await reconnectAndFinish(talk);
    },
  },
  {
    name: 'deleted-meanwhile',
    rule: 'A room that was deleted meanwhile ends with `DeleteRoom` and `Left`.',
    page: 'left',
    prepare: addOther,
    async run(talk) {
      await awayDuring(talk, writeAndDeleteRoom);
      await talk.handled(5, other(talk));
      await reconnectAndFinish(talk);
    },
  },
];
