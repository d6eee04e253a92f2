import type { Notice } from '../../shared/contract/channels.ts';
import type { Database } from '../../shared/database.ts';

/** Bounds the memory of a read. Further changes are found when the first ones are not recent any more. */
const MAX_CHANGES_OF_KIND = 10_000;

type Row = { userId: string } & (
  | { kind: 'membership'; roomId: string; seq: number }
  | { kind: 'token'; tokenId: string }
  | { kind: 'all tokens'; version: number }
);

export function noticeReads(database: Database) {
  // Longer than the time between the start of a statement of a worker and its commit.
  const recent = database`now() - interval '15 seconds'`;
  return {
    /** Returns the notices of the last seconds, as workers published them. */
    async recentNotices(): Promise<Notice[]> {
      const rows = await database<Row[]>`
        (select 'membership' as kind, user_id, room_id, seq, null::uuid as token_id, null::bigint as version
          from memberships where seq > 0 and created_at > ${recent} limit ${MAX_CHANGES_OF_KIND})
        union all (select 'token', user_id, null, null, id, null
          from revoked_tokens where user_id is not null and revoked_at > ${recent} limit ${MAX_CHANGES_OF_KIND})
        union all (select 'all tokens', id, null, null, null, token_version
          from users where tokens_ended_at > ${recent} limit ${MAX_CHANGES_OF_KIND})`;
      return rows.map(toNotice);
    },
  };
}

function toNotice(row: Row): Notice {
  const { userId } = row;
  if (row.kind === 'membership') return { userId, invitation: { roomId: row.roomId, seq: row.seq } };
  if (row.kind === 'token') return { userId, revocation: { tokenId: row.tokenId } };
  return { userId, revocation: { version: row.version } };
}
