import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../shared/contract/ids.ts';
import type { Database } from '../../shared/database.ts';
import { createLog } from '../../shared/log.ts';
import { openTestDatabase } from '../../test/support/system.ts';
import { createReads } from '../reads/reads.ts';
import { AttachedUser, type LiveSocket } from './attached-user.ts';
import type { Feeds } from './feeds/feeds.ts';
import type { Invitations } from './invitations.ts';
import { recheckUsers } from './recheck-users.ts';

const { database } = await openTestDatabase();

test('the tokens and rooms of 500 users are read with one statement', async () => {
  let statements = 0;
  const counted = (...call: Parameters<Database>) => {
    statements++;
    return database(...call);
  };
  const reads = createReads(Object.assign(counted, database) as unknown as Database);
  const refused: string[] = [];
  const users = Array.from({ length: 500 }, () => createUser((code) => refused.push(code)));
  const before = statements;
  const accepted: unknown[] = [];
  const invitations = { accept: async (user: unknown) => void accepted.push(user) } as unknown as Invitations;
  const options = { reads, log: createLog('test', 'silent'), isReplaced: () => false };
  await recheckUsers(users, invitations, options);
  assert.deepEqual([statements - before, accepted.length], [1, 500]);
  // None of these users exists, so no token is valid.
  assert.deepEqual(refused, Array(500).fill('token_revoked'));
});

function createUser(refuse: (code: string) => void): AttachedUser {
  const user = new AttachedUser(newId(), {} as Feeds, { joinRoom: () => undefined, leaveRoom: () => undefined });
  const bearer = { userId: user.id, tokenId: newId(), version: 0, expires: 0 };
  const socket: Partial<LiveSocket> = {
    attachment: { user, bearer, isAttached: true, gradual: undefined, resumption: undefined },
    closeWithError: ({ code }) => refuse(code),
  };
  user.isReady = true;
  user.sockets.add(socket as LiveSocket);
  return user;
}
