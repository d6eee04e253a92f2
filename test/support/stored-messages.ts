import { encodeBroadcasts } from '../../shared/contract/channels.ts';
import { newId } from '../../shared/contract/ids.ts';
import { encodeMessage, type Message, membershipChange } from '../../shared/contract/messages.ts';
import type { Database } from '../../shared/database.ts';

/** Stores the next message of a room and changes the memberships, like the SQL function apply_room_commands. */
export async function storeMessage(
  database: Database,
  { roomId, userId, command, targetId = roomId }: Pick<Message, 'roomId' | 'userId' | 'command'> & Partial<Message>,
): Promise<Message> {
  const [row] = await database`update rooms set seq = seq + 1 where id = ${roomId} returning seq`;
  const seq: number = row?.seq;
  const [id, ref, now] = [newId(), newId(), new Date().toISOString()];
  await database`
    insert into messages (room_id, seq, id, user_id, command, target_id, text, created_at, updated_at, ref, fingerprint, history_index)
    values (${roomId}, ${seq}, ${id}, ${userId}, ${command}, ${targetId}, '', ${now}, ${now}, ${ref}, 0, ${seq})`;
  if (command === 'AddUser')
    await database`insert into memberships (room_id, user_id, seq) values (${roomId}, ${targetId}, ${seq})`;
  if (command === 'RemoveUser')
    await database`
      with ended as (delete from memberships where room_id = ${roomId} and user_id = ${targetId} returning *)
      insert into ended_memberships (user_id, room_id, first_seq, last_seq) select user_id, room_id, seq, ${seq} from ended`;
  return { id, seq, roomId, userId, command, targetId, text: '', createdAt: now, updatedAt: now, ref };
}

/** Encodes consecutive messages of one room in the form in which a worker publishes them. */
export function encodeMessages(...messages: Message[]): string {
  const changes = messages.map(membershipChange).filter((change) => change !== undefined);
  const { roomId, seq: head } = messages.at(-1) as Message;
  return encodeBroadcasts([{ roomId, head, changes, records: messages.map(encodeMessage) }]);
}
