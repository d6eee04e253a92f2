import type { Database } from '../../shared/database.ts';

/** With four bytes for each character, these are more than a socket may have unsent and the kernel takes. */
const MANY_MESSAGES = 4_000;

/** Stores very many messages in a room, without a worker. @returns the seq of the last one */
export async function storeMany(roomId: string, userId: string, into: Database): Promise<number> {
  await into`
    insert into messages (
      room_id, seq, id, user_id, command, target_id, text, created_at, updated_at, ref, fingerprint, history_index
    )
    select ${roomId}, room.seq + n, gen_random_uuid(), ${userId}, 'CreateMessage', ${roomId}, repeat('😀', 500),
      now(), now(), gen_random_uuid(), 0, room.seq + n
    from rooms room, generate_series(1, ${MANY_MESSAGES}) n where room.id = ${roomId}`;
  const [room] = await into<{ seq: number }[]>`
    update rooms set seq = seq + ${MANY_MESSAGES} where id = ${roomId} returning seq`;
  return room?.seq as number;
}
