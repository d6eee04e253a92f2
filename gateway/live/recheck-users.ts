import { Refusal } from '../../shared/contract/errors.ts';
import type { Log } from '../../shared/log.ts';
import { BEFORE_ALL_ROOMS } from '../reads/attachment-reads.ts';
import type { Reads } from '../reads/reads.ts';
import type { AttachedUser, LiveSocket } from './attached-user.ts';
import type { Invitations } from './invitations.ts';

/** The reads of this number of users are waiting at the same time. Reads that wait share statements. */
const USERS_AT_ONCE = 400;

interface RecheckOptions {
  reads: Pick<Reads, 'attachment'>;
  log: Log;
}

/** Reads the rooms and the tokens of users, and applies what was missed. Never rejects. */
export async function recheckUsers(
  users: AttachedUser[],
  invitations: Invitations,
  { reads, log }: RecheckOptions,
): Promise<void> {
  for (let first = 0; first < users.length; first += USERS_AT_ONCE) {
    const rechecks = users
      .slice(first, first + USERS_AT_ONCE)
      .map((user) =>
        recheckUser(user, invitations, reads).catch((error: unknown) =>
          log.warn({ error, userId: user.id }, 'the tokens and rooms of a user could not be read'),
        ),
      );
    await Promise.all(rechecks);
  }
}

async function recheckUser(
  user: AttachedUser,
  invitations: Invitations,
  reads: RecheckOptions['reads'],
): Promise<void> {
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
