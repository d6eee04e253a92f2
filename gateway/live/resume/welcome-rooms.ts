import { Refusal } from '../../../shared/contract/errors.ts';
import type { Bearer } from '../../accounts/tokens.ts';
import type { Reads } from '../../reads/reads.ts';
import { MAX_ROOMS_OF_MEMBERSHIPS } from '../../reads/session-reads.ts';
import type { Invitations } from '../invitations.ts';
import type { Resumption, WelcomeParts } from './resumption.ts';

export interface WelcomeOptions {
  reads: Pick<Reads, 'attachment' | 'membershipsIn'>;
  invitations: Invitations;
  bearer: Bearer;
}

/**
 * Reads the rooms of a user whose rooms are loaded already, page by page, and sends them to a socket that attaches. When
 * this resolves, each room of the user was read, up to this tick.
 * @param roomsAfter the first page begins after this id. Undefined if all pages were read
 * @throws Refusal `token_revoked`, or `unavailable` if the socket has closed
 */
export async function welcomeRooms(
  resumption: Resumption,
  parts: WelcomeParts,
  roomsAfter: string | undefined,
  { reads, invitations, bearer }: WelcomeOptions,
): Promise<void> {
  const { user } = resumption;
  for (let after = roomsAfter; after !== undefined; ) {
    await resumption.waitForClient();
    const page = await reads.attachment({ bearer, roomsAfter: after });
    if (!page.isTokenValid) throw new Refusal('token_revoked');
    if (!resumption.isOpen) throw new Refusal('unavailable');
    // The feeds of this gateway may not have delivered what Postgres has.
    await invitations.accept(user, ...page.rooms);
    parts.add(page.rooms);
    after = page.nextAfter;
  }
  const takeUnread = () => parts.takeUnread(MAX_ROOMS_OF_MEMBERSHIPS);
  for (let taken = takeUnread(); taken.length > 0; taken = takeUnread()) {
    parts.add(await reads.membershipsIn(user.id, taken));
  }
  if (!resumption.isOpen) throw new Refusal('unavailable');
}
