import * as v from 'valibot';
import { encodeMessage, isChangeOfMessage, Message } from '../../../shared/contract/messages.ts';

/** The records of one room that are kept, at most. A few more may be kept for a moment. */
const MAX_RECORDS_OF_ROOM = 128;
/** This number of old records is removed together, because a removal moves all others. */
const SLACK = 32;

/** The last records of one room, in their current state: as a read from Postgres would return them now. */
export class RecentRecords {
  /** The characters of all records. */
  characters = 0;
  readonly #records: string[] = [];
  #lastSeq = 0;

  /** Adds the next record of the room. A record that edits or deletes a message changes the record of this message too. */
  add(seq: number, record: string): void {
    if (seq !== this.#lastSeq + 1) this.clear();
    if (isChangeOfMessage(record)) this.#applyChange(v.parse(Message, JSON.parse(record)));
    this.#records.push(detach(record));
    this.characters += record.length;
    this.#lastSeq = seq;
    if (this.#records.length > MAX_RECORDS_OF_ROOM + SLACK) this.#forget(SLACK);
  }

  /** Returns all records after a seq, or undefined if some of them are not kept. */
  after(seq: number): string[] | undefined {
    const count = this.#lastSeq - seq;
    if (count < 0 || count > this.#records.length) return undefined;
    return this.#records.slice(this.#records.length - count);
  }

  clear(): void {
    this.#records.length = 0;
    this.characters = 0;
  }

  #forget(count: number): void {
    for (const record of this.#records.splice(0, count)) this.characters -= record.length;
  }

  /**
   * Like the SQL functions update_message and delete_message: older edits of the message lose their text. An edit
   * without a text is such an older edit: a later record has the change.
   */
  #applyChange({ command, targetId, text, mentions, createdAt }: Message): void {
    if (command === 'UpdateMessage' && text === '') return;
    for (const [index, record] of this.#records.entries()) {
      if (!record.includes(targetId)) continue;
      const message = v.parse(Message, JSON.parse(record));
      if (message.id === targetId) this.#replace(index, { ...message, text, mentions, updatedAt: createdAt });
      const isOlderEdit = message.command === 'UpdateMessage' && message.targetId === targetId;
      if (isOlderEdit) this.#replace(index, { ...message, text: '', mentions: undefined });
    }
  }

  #replace(index: number, message: Message): void {
    const record = encodeMessage(message);
    this.characters += record.length - (this.#records[index] as string).length;
    this.#records[index] = record;
  }
}

/**
 * A record is a part of the text of a publication. V8 keeps the whole publication in memory as long as a part of it is
 * used. So this returns a copy.
 */
function detach(record: string): string {
  return ` ${record}`.slice(1);
}
