import { Refusal } from '../../shared/contract/errors.ts';
import type { Log } from '../../shared/log.ts';
import { wait } from '../../shared/wait.ts';
import { BEFORE_ALL_ROOMS } from '../reads/attachment-reads.ts';
import type { Reads } from '../reads/reads.ts';
import type { AttachedUser, LiveSocket } from './attached-user.ts';
import type { Invitations } from './invitations.ts';

/** The reads of this number of users share a statement. */
const USERS_AT_ONCE = 500;
/** A read that failed is tried again after this time. */
const RETRY_AFTER_MS = 250;

interface RecheckOptions {
  reads: Pick<Reads, 'attachment'>;
  log: Log;
  /** True if a later recheck has begun. This one then ends, because the later one reads everything again. */
  isReplaced: () => boolean;
}

/**
 * Reads the rooms and the tokens of users, and applies what was missed. Tries again until each user was read or has no
 * socket: no other read would find a lost revocation. Never rejects.
 */
export async function recheckUsers(
  users: AttachedUser[],
  invitations: Invitations,
  options: RecheckOptions,
): Promise<void> {
  for (let first = 0; first < users.length; first += USERS_AT_ONCE) {
    const group = users.slice(first, first + USERS_AT_ONCE);
    await Promise.all(group.map((user) => recheckUntilRead(user, invitations, options)));
  }
}

async function recheckUntilRead(
  user: AttachedUser,
  invitations: Invitations,
  { reads, log, isReplaced }: RecheckOptions,
): Promise<void> {
  for (let attempt = 1; !user.closed && !isReplaced(); attempt++) {
    try {
      await recheckUser(user, invitations, reads);
      return;
    } catch (error) {
      const fields = { error, userId: user.id };
      if (attempt === 1) log.warn(fields, 'the tokens and rooms of a user could not be read, they are read again');
      await wait(RETRY_AFTER_MS, { keepsProcess: false });
    }
  }
}

async function recheckUser(
  user: AttachedUser,
  invitations: Invitations,
  reads: RecheckOptions['reads'],
): Promise<void> {
  // Changes that arrive while a user loads are kept. So the rooms are read after that.
  await user.loaded.catch(() => undefined);
  const [first, ...others] = user.sockets;
  if (!first) return;
  await Promise.all([
    recheckRooms(user, first, invitations, reads),
    ...others.map((each) => recheckToken(each, reads)),
  ]);
}

async function recheckToken(socket: LiveSocket, reads: RecheckOptions['reads']): Promise<void> {
  const bearer = socket.attachment?.bearer;
  if (!bearer) return;
  const { isTokenValid } = await reads.attachment({ bearer });
  if (!isTokenValid) socket.closeWithError(new Refusal('token_revoked'));
}

/** One statement has the token of a socket and a page of the rooms of its user. */
async function recheckRooms(
  user: AttachedUser,
  socket: LiveSocket,
  invitations: Invitations,
  reads: RecheckOptions['reads'],
): Promise<void> {
  const bearer = socket.attachment?.bearer;
  for (let roomsAfter: string | undefined = BEFORE_ALL_ROOMS; bearer && roomsAfter !== undefined; ) {
    const page = await reads.attachment({ bearer, roomsAfter });
    if (!page.isTokenValid) socket.closeWithError(new Refusal('token_revoked'));
    if (!user.isReady) return;
    await invitations.accept(user, ...page.rooms);
    roomsAfter = page.nextAfter;
  }
}
