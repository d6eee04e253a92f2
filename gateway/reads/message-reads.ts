import { columnsOf } from '../../shared/columns.ts';
import { Message } from '../../shared/contract/messages.ts';
import type { Database } from '../../shared/database.ts';

const columns = columnsOf(Message);

export function messageReads(database: Database) {
  const message = database(columns);
  /**
   * The columns of a message as HTTP shows it. An edited or deleted message has the command of its last change, and
   * this change is about the message itself.
   */
  const shownMessage = database`
    ${database(columns.filter((column) => column !== 'command' && column !== 'target_id'))},
    coalesce(last_change, command) as command,
    case when last_change is null then target_id else id end as target_id`;

  return {
    /** Returns a message as a history shows it, if the viewer may see the room of the message. */
    async messageById(id: string, viewerId: string): Promise<Message | undefined> {
      const [row] = await database<Message[]>`
        select ${shownMessage} from messages where id = ${id}
          and exists (select from visible_rooms(${viewerId}) room where room.id = messages.room_id)`;
      return row;
    },

    /** Returns the messages of a room after a seq, in the order of seq. */
    messagesAfter(roomId: string, seq: number, limit: number): Promise<Message[]> {
      return database<Message[]>`
        select ${message} from messages where room_id = ${roomId} and seq > ${seq} order by seq limit ${limit}`;
    },
  };
}
