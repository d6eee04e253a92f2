/** A wrong version of Rooms. It differs from Rooms in one piece of one file. */
export interface Mutant {
  name: string;
  file: string;
  /** Occurs exactly once in the file. */
  find: string;
  replace: string;
  caughtBy: { file: string; title: string };
}

/** Each mutant breaks one guarantee. The test `caughtBy` fails with it. */
export const mutants = [
  {
    name: 'ack before commit',
    file: 'workers/batch-worker.ts',
    find: 'await appliers[name](context, laneKey, batch);',
    // A transaction that is still open when the reply is published.
    replace: `await context.database['begin'](async (database) => {
      const applied = await appliers[name]({ ...context, database }, laneKey, batch);
      await publish(context.redis, [
        replyPublication(context.names, gateway, { job: name, lane, number, outcomes: applied.outcomes }),
      ]);
      return applied;
    });`,
    caughtBy: { file: 'test/ack-order.test.ts', title: 'an Ack arrives only after the message is committed' },
  },
  {
    name: 'no idempotency',
    file: 'sql/functions/room-commands.sql',
    find: 'id, "actorId", ref, ',
    replace: 'id, "actorId", gen_random_uuid(), ',
    caughtBy: {
      file: 'sql/apply-room-commands.test.ts',
      title: 'a ref has one effect, in one batch and in several batches, and another command with this ref is refused',
    },
  },
  {
    name: 'no gap read',
    file: 'gateway/live/feeds/feed.ts',
    find: 'if (this.#order.hasGap) this.#setTimer(',
    replace: 'if (false) this.#setTimer(',
    caughtBy: {
      file: 'gateway/live/live-rooms-order.test.ts',
      title: 'after an unreadable broadcast, the next announced seq makes the gateway read the gap from Postgres',
    },
  },
  {
    name: 'no heads',
    file: 'workers/repeated-publications.ts',
    find: '[...this.#heads].map(',
    replace: '[].map(',
    caughtBy: {
      file: 'workers/repeated-publications.test.ts',
      title: 'the head of a room and an invitation are published again, once per second',
    },
  },
  {
    name: 'no sweep',
    file: 'gateway/live/sweep.ts',
    find: 'else if (heads.length > 0) void this.#announceLater(heads);',
    replace: '',
    caughtBy: {
      file: 'gateway/live/live-rooms-order.test.ts',
      title: 'a message and a removal that were stored and never published are found in Postgres',
    },
  },
  {
    name: 'no leave',
    file: 'gateway/live/room-subscriptions.ts',
    find: 'if (user.isReady) user.leave(roomId, change.seq);',
    replace: ';',
    caughtBy: {
      file: 'gateway/live/live-rooms-order.test.ts',
      title: 'a removed member receives the removal and no later message',
    },
  },
  {
    name: 'no close on backpressure',
    file: 'gateway/app.ts',
    find: 'closeOnBackpressureLimit: true',
    replace: 'closeOnBackpressureLimit: false',
    caughtBy: {
      file: 'gateway/sockets/slow-readers.test.ts',
      title:
        'a socket whose client does not read is closed, and has received every message before the first missing one',
    },
  },
  {
    name: 'a refusal that is not kept',
    file: 'sql/functions/apply-and-keep-refusals.sql',
    find: 'if has_refusal then perform',
    replace: 'if false then perform',
    caughtBy: {
      file: 'sql/refusals.test.ts',
      title: 'a copy of a refused command is refused after the actor got the right, in each way to apply it',
    },
  },
  {
    name: 'no watch on a deaf link',
    file: 'shared/redis.ts',
    find: 'socketTimeout: SILENCE_LIMIT_MS,',
    replace: '',
    caughtBy: { file: 'shared/redis.test.ts', title: 'a silent connection of each kind is replaced, also an idle one' },
  },
] satisfies Mutant[] as Mutant[];
