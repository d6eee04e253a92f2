import type { ErrorCode } from '../../../contract/errors.ts';
import type { Conversation } from '../conversation.ts';
import { acknowledge, type Reaction } from '../server.ts';
import { type Case, expectWait } from './case.ts';
import { connected } from './openings.ts';

/** The page `docs/protocol.md` has the rules of all these cases under one heading. */
const page = 'what-a-client-must-do';

const cut: Reaction = (_command, socket) => socket.cut();

const refuse =
  (code: ErrorCode, more: Record<string, unknown> = {}): Reaction =>
  (command, socket) =>
    socket.refuse(code, command, more);

const cutAfterCommit: Reaction = (command, socket) => {
  socket.loseMessages(1);
  socket.commit(command);
  socket.cut();
};

const acknowledgeLate: Reaction = (command, socket) => {
  const ack = socket.commit(command);
  setTimeout(() => socket.send(ack), 1_500);
};

const acknowledgeTwice: Reaction = (command, socket) => {
  acknowledge(command, socket);
  acknowledge(command, socket);
};

const commitWithUnknownOutcome: Reaction = (command, socket) => {
  socket.commit(command);
  socket.refuse('unknown_outcome', command);
};

/** The first sendings of a command meet these reactions, one each. In the end it is committed. */
const commitAfter = async (talk: Conversation, ...reactions: Reaction[]): Promise<void> => {
  talk.server.reactions.push(...reactions);
  await talk.socket(1);
  await talk.commit(1);
};

/** The command is refused once with `retryAfter` 1. */
const refusedOnce = (code: ErrorCode): Case['run'] => {
  return async (talk) => {
    await commitAfter(talk, refuse(code, { retryAfter: 1 }));
    const [firstMs, secondMs] = talk.timesOf(1);
    expectWait(talk, firstMs, secondMs, 1_000);
    await talk.finish();
  };
};

export const commandCases: Case[] = [
  {
    name: 'ack',
    rule: 'After `Ack`, a command has its outcome. It is not sent again, also not after a reconnect.',
    page,
    async run(talk) {
      const socket = await talk.socket(1);
      await talk.commit(1);
      await talk.caughtUp();
      socket.cut();
      await talk.socket(2);
      await talk.finish();
    },
  },
  {
    name: 'lost-command',
    rule: 'A command without an outcome is sent again after the reconnect, with the same `ref`.',
    page,
    async run(talk) {
      await commitAfter(talk, cut);
      await talk.finish();
    },
  },
  {
    name: 'lost-ack',
    rule: 'A command that was committed without an `Ack` is sent again with the same `ref`. It has one outcome.',
    page,
    async run(talk) {
      await commitAfter(talk, cutAfterCommit, cutAfterCommit);
      await talk.finish();
    },
  },
  {
    name: 'early-ack',
    rule: 'An `Ack` may arrive before its message. It changes no position: after a reconnect, the message comes.',
    page: 'order',
    async run(talk) {
      const socket = await connected(talk);
      socket.loseMessages(1);
      await talk.commit(1);
      socket.cut();
      await talk.socket(2);
      await talk.finish();
    },
  },
  {
    name: 'slow-ack',
    rule: 'The message may arrive long before its `Ack`. The client waits for the `Ack`, or sends the same `ref` again.',
    page: 'order',
    async run(talk) {
      await commitAfter(talk, acknowledgeLate);
      await talk.finish();
    },
  },
  {
    name: 'repeated-ack',
    rule: 'A second `Ack` of the same command changes nothing.',
    page: 'ack',
    async run(talk) {
      await commitAfter(talk, acknowledgeTwice);
      await talk.finish();
    },
  },
  {
    name: 'busy',
    rule: 'After `busy`, the client sends the same `ref` again, at least `retryAfter` seconds later.',
    page,
    run: refusedOnce('busy'),
  },
  {
    name: 'rate-limited',
    rule: 'After `rate_limited`, the client sends the same `ref` again, at least `retryAfter` seconds later.',
    page,
    run: refusedOnce('rate_limited'),
  },
  {
    name: 'unknown-outcome',
    rule: 'After `unknown_outcome` and `busy`, the client sends the same `ref` again, until another answer comes.',
    page,
    async run(talk) {
      await commitAfter(talk, commitWithUnknownOutcome, refuse('busy'));
      await talk.finish();
    },
  },
  {
    name: 'after-login',
    rule: 'After a refusal with `retry` `after_login`, the client logs in, opens a new socket, and sends the same `ref` again.',
    page: 'error-codes',
    async run(talk) {
      const logInFirst: Reaction = (command, socket) => {
        talk.server.endTokens();
        socket.refuse('token_expired', command);
      };
      await commitAfter(talk, logInFirst);
      const [, loginMs = Number.NaN] = talk.server.loginTimes;
      talk.expect(loginMs < (talk.timesOf(1).at(-1) ?? 0), 'the command was committed without a new login');
      await talk.finish();
    },
  },
  {
    name: 'final-refusal',
    rule: 'After a refusal with `retry` `no`, the command is refused. It is not sent again, also not after a reconnect.',
    page,
    async run(talk) {
      talk.server.reactions.push(refuse('not_a_member'));
      const socket = await talk.socket(1);
      talk.send(1);
      const outcome = await talk.outcome(1);
      talk.expect('code' in outcome && outcome.code === 'not_a_member', 'the outcome has another code');
      await talk.caughtUp();
      socket.cut();
      await talk.socket(2);
      await talk.finish();
    },
  },
  {
    name: 'later-code',
    rule: 'With an error code that the client does not know, it does what `retry` says.',
    page,
    async run(talk) {
      const later = { code: 'a_later_code', retryAfter: 0.5 };
      await commitAfter(talk, refuse('busy', { ...later, retry: 'same_ref' }));
      talk.server.reactions.push(refuse('busy', { ...later, retry: 'no' }));
      talk.send(2);
      const { outcome } = await talk.outcome(2);
      talk.expect(outcome === 'refused', 'command 2 is not refused');
      await talk.finish();
    },
  },
  {
    name: 'order',
    rule: 'Commands to one room that wait for a reconnect are sent again in their order.',
    page: 'what-a-client-must-do-when-it-reconnects',
    async run(talk) {
      talk.server.reactions.push(cut);
      await talk.socket(1);
      for (const key of [1, 2, 3]) talk.send(key);
      for (const key of [1, 2, 3]) await talk.committed(key);
      const texts = talk.room.rows.filter(({ userId }) => userId === talk.user.id).map(({ text }) => text);
      talk.expect(texts.join() === 'text 1,text 2,text 3', `the order is ${texts.join()}`);
      await talk.finish();
    },
  },
  {
    name: 'offline',
    rule: 'A command that is given while there is no connection is sent after the reconnect.',
    page: 'what-a-client-must-do-when-it-reconnects',
    async run(talk) {
      await talk.socket(1);
      talk.server.goDown();
      talk.send(1);
      await talk.pause(300);
      talk.server.isDown = false;
      await talk.committed(1);
      await talk.finish();
    },
  },
];
