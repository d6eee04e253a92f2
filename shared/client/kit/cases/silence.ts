import type { Case } from './case.ts';
import { connected } from './openings.ts';

/** The client must reconnect after 60 seconds. A busy machine is slower. */
const MAX_SILENCE_SECONDS = 75;

/** Cases that take more than a minute. The kit runs them only by their name. */
export const slowCases: Case[] = [
  {
    name: 'silence',
    rule: 'If a socket brings no frame for 60 seconds, the client closes it and connects again.',
    page: 'what-a-client-must-do',
    async run(talk) {
      const first = await connected(talk);
      first.maxMessages = 0;
      talk.write();
      for (let seconds = 0; seconds < MAX_SILENCE_SECONDS && !talk.server.sockets[1]; seconds++)
        await talk.pause(1_000);
      talk.expect(
        talk.server.sockets[1] !== undefined,
        `the client kept a silent socket for ${MAX_SILENCE_SECONDS} seconds`,
      );
      await talk.finish();
    },
  },
];
