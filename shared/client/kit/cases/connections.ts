import { closeCodes, Refusal } from '../../../contract/errors.ts';
import type { Conversation } from '../conversation.ts';
import type { Reaction } from '../server.ts';
import type { KitSocket } from '../socket.ts';
import { type Case, expectWait } from './case.ts';
import { connected, pong } from './openings.ts';

const page = 'close-codes';
/** An outage in which a client must not try to connect in a loop. */
const OUTAGE_MS = 1_500;
const MAX_ATTEMPTS_IN_OUTAGE = 12;
/** The pause in which a client must not reconnect. */
const NO_RECONNECT_MS = 3_000;

/** Closes the first socket, and waits for the second. @returns both */
async function reconnect(talk: Conversation, close: (socket: KitSocket) => void): Promise<[KitSocket, KitSocket]> {
  const first = await connected(talk);
  close(first);
  talk.write(2);
  return [first, await talk.socket(2)];
}

export const connectionCases: Case[] = [
  {
    name: 'first-connection',
    rule: 'The first `Resume` has no `epoch` and no rooms. The client handles every message after the `Welcome`.',
    page: 'resume',
    async run(talk) {
      await talk.socket(1);
      talk.write(3);
      await talk.caughtUp();
      await talk.finish();
    },
  },
  {
    name: 'cut',
    rule: 'After a lost connection, the client connects again, and handles what it has missed.',
    page,
    async run(talk) {
      await reconnect(talk, (socket) => socket.cut());
      await talk.caughtUp();
      await talk.finish();
    },
  },
  {
    name: 'close-4000',
    rule: 'After the close code 4000, the client connects again at once.',
    page,
    async run(talk) {
      await reconnect(talk, (socket) => socket.close(closeCodes.going_away, 'going away'));
      await talk.finish();
    },
  },
  {
    name: 'close-4042',
    rule: 'After a code from 4000 to 4099 that the client does not know, it connects again.',
    page,
    async run(talk) {
      await reconnect(talk, (socket) => socket.close(4042, 'a_later_reason'));
      await talk.finish();
    },
  },
  {
    name: 'close-4001',
    rule: 'After the close code 4001, the client connects again and loads every room again.',
    page,
    async run(talk) {
      await reconnect(talk, (socket) => {
        talk.changeEpoch();
        socket.close(closeCodes.reload, 'reload');
      });
      await talk.caughtUp();
      await talk.finish();
    },
  },
  {
    name: 'close-4100',
    rule: 'After the close code 4100, the client waits at least a second before it connects again.',
    page,
    async run(talk) {
      const [first, second] = await reconnect(talk, (socket) => socket.close(closeCodes.unavailable, 'unavailable'));
      expectWait(talk, first.closedMs, second.openedMs, 1_000);
      await talk.finish();
    },
  },
  {
    name: 'close-4129',
    rule: 'After the close code 4129, the client waits the `retryAfter` seconds of the `Error` before the close.',
    page,
    async run(talk) {
      const [first, second] = await reconnect(talk, (socket) => {
        socket.refuse('rate_limited', {}, { retryAfter: 2 });
        socket.close(closeCodes.too_many, 'rate_limited');
      });
      expectWait(talk, first.closedMs, second.openedMs, 2_000);
      await talk.finish();
    },
  },
  {
    name: 'close-4450',
    rule: 'After a code from 4400 to 4499, except 4401, the client does not connect again.',
    page,
    async run(talk) {
      const socket = await talk.socket(1);
      socket.close(4450, 'a_later_reason');
      await talk.pause(NO_RECONNECT_MS);
      talk.expect(talk.server.sockets.length === 1, 'the client connected again');
    },
  },
  {
    name: 'close-4401',
    rule: 'After the close code 4401, the client logs in, and then connects with the new token. It keeps its positions.',
    page,
    async run(talk) {
      await reconnect(talk, () => talk.server.logOut());
      talk.expect(talk.server.loginTimes.length === 2, `the client logged in ${talk.server.loginTimes.length} times`);
      await talk.finish();
    },
  },
  {
    name: 'busy-login',
    rule: 'A login that is refused as `busy` is sent again, at least `Retry-After` seconds later.',
    page: 'error-codes',
    prepare: ({ server }) => server.loginRefusals.push(new Refusal('busy', { retryAfter: 1 })),
    async run(talk) {
      await talk.socket(1);
      const [firstMs, secondMs] = talk.server.loginTimes;
      expectWait(talk, firstMs, secondMs, 1_000);
      await talk.finish();
    },
  },
  {
    name: 'refused-upgrade',
    rule: 'After an upgrade that is refused with 429, the client waits `Retry-After` seconds. A client in a browser cannot see it.',
    page: 'connect-and-authenticate',
    async run(talk) {
      await connected(talk);
      talk.server.upgradeRefusals.push(new Refusal('too_many_sockets', { retryAfter: 2 }));
      for (const socket of talk.server.openSockets) socket.cut();
      const second = await talk.socket(2);
      const { atMs, canReadAnswer } = talk.server.lastRefusedUpgrade ?? {};
      expectWait(talk, atMs, second.openedMs, canReadAnswer ? 2_000 : 0);
      await talk.finish();
    },
  },
  {
    name: 'going-away',
    rule: 'After `GoingAway`, the client opens a new socket and sends its commands there. It handles each message once.',
    page: 'goingaway',
    async run(talk) {
      const first = await talk.socket(1);
      const acks: object[] = [];
      talk.server.reactions.push((command, socket) => acks.push(socket.commit(command)));
      talk.send(1);
      await talk.received(1);
      first.send({ command: 'GoingAway', after: 3_000 });
      await talk.socket(2);
      talk.write(2);
      for (const ack of acks) first.send(ack);
      await talk.committed(1);
      const sendAgain: Reaction = (command, socket) => {
        talk.expect(socket !== first, 'a command was sent on the old socket after GoingAway');
        socket.send(socket.commit(command));
      };
      talk.server.reactions.push(sendAgain);
      await talk.commit(2);
      await talk.until('the old socket is closed', () => !first.isOpen);
      await talk.finish();
    },
  },
  {
    name: 'outage',
    rule: `While no gateway answers, the client tries at most ${MAX_ATTEMPTS_IN_OUTAGE} times in ${OUTAGE_MS / 1_000} seconds.`,
    page: 'what-a-client-must-do-when-it-reconnects',
    async run(talk) {
      await talk.socket(1);
      await talk.caughtUp();
      talk.server.goDown();
      talk.write(2);
      await talk.pause(OUTAGE_MS);
      const { refusedConnections } = talk.server;
      talk.server.isDown = false;
      const rule = `the client tried ${refusedConnections} times, not at most ${MAX_ATTEMPTS_IN_OUTAGE} times`;
      talk.expect(refusedConnections <= MAX_ATTEMPTS_IN_OUTAGE, rule);
      await talk.socket(2);
      await talk.finish();
    },
  },
  {
    name: 'ping',
    rule: 'The client answers pings.',
    page: 'connect-and-authenticate',
    async run(talk) {
      await pong(talk, await talk.socket(1));
      await talk.finish();
    },
  },
  {
    name: 'unknown-frames',
    rule: 'The client ignores frames and fields that it does not know, and an `Error` that belongs to no command.',
    page: 'what-a-client-must-do',
    prepare: ({ server }) => {
      server.unknownFields = { laterField: { a: [1] } };
    },
    async run(talk) {
      const socket = await talk.socket(1);
      socket.send({ command: 'Typing', roomId: talk.room.id, userId: talk.peer.id });
      socket.send({ laterKind: 'without a command' });
      socket.send({ command: 'Error', error: 'later', code: 'a_later_code' });
      talk.write();
      talk.server.reactions.push((command, sender) => {
        sender.refuse('internal', {}, { code: 'a_later_code', retry: 'no' });
        sender.send({ ...sender.commit(command), laterField: 'x' });
      });
      await talk.commit(1);
      await talk.finish();
    },
  },
];
