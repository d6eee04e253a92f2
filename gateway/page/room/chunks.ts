import type { RoomSnapshot } from '../../../shared/client/room-view.ts';

export type ShownMessage = RoomSnapshot['messages'][number];

/** Messages that are rendered together. A chunk whose messages have not changed is not rendered again. */
export interface Chunk {
  key: string;
  messages: ShownMessage[];
  /** The message before the first one, which decides whether a day or an author begins here. */
  before: ShownMessage | undefined;
}

/** Seqs of a chunk. So a chunk stays the same when older messages are added before it. */
const CHUNK_SEQS = 50;

/** Splits the messages of a room. Messages without a seq are in the last chunk. */
export function chunksOf(messages: readonly ShownMessage[]): Chunk[] {
  const chunks: Chunk[] = [];
  let before: ShownMessage | undefined;
  for (const message of messages) {
    const key = message.seq && 'id' in message ? `${Math.floor(message.seq / CHUNK_SEQS)}` : 'own';
    const last = chunks.at(-1);
    if (last?.key === key) last.messages.push(message);
    else chunks.push({ key, messages: [message], before });
    before = message;
  }
  return chunks;
}

/** @returns true if both chunks look the same */
export function isSameChunk(a: Chunk, b: Chunk): boolean {
  return (
    a.before === b.before &&
    a.messages.length === b.messages.length &&
    a.messages.every((message, index) => message === b.messages[index])
  );
}
