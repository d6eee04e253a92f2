import type { Database } from '../../../shared/database.ts';

export interface NewMessage {
  roomId: number;
  senderId: number;
  ref: string;
  text: string;
}

export interface StoredMessage extends NewMessage {
  id: string;
  createdAt: string;
}

/** Creates an empty table for the messages of a peer. */
export async function createMessageTable(database: Database): Promise<void> {
  await database`drop table if exists peer_messages`;
  await database`create table peer_messages (
    id uuid primary key default gen_random_uuid(), room_id integer not null, sender_id integer not null,
    ref uuid not null, text text not null, created_at timestamptz not null default now())`;
}

/** Stores a message with one statement, in a transaction of its own. @returns the message as it is stored */
export async function storeMessage(database: Database, message: NewMessage): Promise<StoredMessage> {
  const { roomId, senderId, ref, text } = message;
  const [stored] = await database<StoredMessage[]>`
    insert into peer_messages (room_id, sender_id, ref, text) values (${roomId}, ${senderId}, ${ref}, ${text})
    returning id, room_id, sender_id, ref, text, created_at`;
  return stored as StoredMessage;
}
