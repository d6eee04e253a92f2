import type { Message } from '../../../shared/client/protocol.ts';
import { texts } from '../texts.ts';
import { dateTexts } from '../ui/date-texts.ts';

/** One line about the last message of a room. @param author the name of who wrote it */
export function previewOf({ command, text }: Message, author: string): string {
  if (command === 'DeleteMessage') return texts.rooms.deleted;
  // The texts of the other commands are complete, such as "Bob joined the room".
  const isWritten = command === 'CreateMessage' || command === 'UpdateMessage';
  return isWritten ? texts.rooms.preview(author, text) : text;
}

/** @returns the time of today, or else the day, in the language of the browser */
export function shortTime(time: string, now = new Date()): string {
  const date = new Date(time);
  const isToday = date.toDateString() === now.toDateString();
  return isToday ? dateTexts.clock(date.getTime()) : dateTexts.shortDay(date.getTime());
}
