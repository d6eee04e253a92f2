import type { Directory } from '../session/directory.ts';
import { texts } from '../texts.ts';
import { dateTexts } from '../ui/date-texts.ts';
import type { ShownMessage } from './chunks.ts';
import { authorOf, isDeleted, isEdited, isWritten, timeOf } from './message-kind.ts';

interface Reader {
  directory: Pick<Directory, 'nameOf'>;
  ownId: string;
}

/** A message as one sentence, for a screen reader. */
export function sentenceOf(message: ShownMessage, { directory, ownId }: Reader): string {
  if (!isWritten(message)) return message.text;
  const authorId = authorOf(message, ownId);
  const author = authorId === ownId ? texts.common.you : directory.nameOf(authorId) || texts.common.unknownUser;
  const text = isDeleted(message) ? texts.rooms.deleted : message.text;
  const time = dateTexts.clock(timeOf(message));
  const state = isEdited(message)
    ? texts.room.edited
    : message.state === 'committed'
      ? ''
      : texts.room[message.state === 'sending' ? 'sending' : 'notSent'];
  return [`${author}: ${text}`, time, state].filter(Boolean).join(', ');
}
