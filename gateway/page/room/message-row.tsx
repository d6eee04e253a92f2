import type { RoomView } from '../../../shared/client/room-view.ts';
import type { Directory } from '../session/directory.ts';
import { texts } from '../texts.ts';
import { Avatar } from '../ui/avatar.tsx';
import { dateTexts } from '../ui/date-texts.ts';
import { errorText } from '../ui/error-text.ts';
import { Icon } from '../ui/icons.tsx';
import type { ShownMessage } from './chunks.ts';
import { authorOf, continuesGroup, isDeleted, isEdited, isWritten, startsDay, timeOf } from './message-kind.ts';
import { sentenceOf } from './sentence.ts';
import { splitLinks } from './split-links.ts';

/** What each message of a room needs. It is the same object for all of them. */
export interface RowContext {
  view: RoomView;
  directory: Directory;
  ownId: string;
  /** Messages with a higher seq were unread when the room was opened. */
  unreadAfter: number | undefined;
  /** Opens the actions for an own message. */
  onActions(message: ShownMessage): void;
}

interface RowProps {
  message: ShownMessage;
  before: ShownMessage | undefined;
  context: RowContext;
}

/** One message of the history, or one that is being sent. */
export function MessageRow({ message, before, context }: RowProps) {
  const isOwn = authorOf(message, context.ownId) === context.ownId;
  const isEvent = !isWritten(message);
  const isGrouped = continuesGroup(message, before, context.ownId);
  const look = [
    'message',
    isEvent ? 'message-event' : isOwn && 'message-own',
    isGrouped && 'message-grouped',
    message.state === 'sending' && 'message-sending',
  ];
  return (
    <>
      {startsDay(message, before) && <p class="day">{dayText(timeOf(message))}</p>}
      {isFirstUnread(message, before, context.unreadAfter) && <p class="day unread-line">{texts.room.unreadLine}</p>}
      <article
        class={look.filter(Boolean).join(' ')}
        tabIndex={-1}
        data-ref={message.ref}
        aria-label={sentenceOf(message, context)}
      >
        {isEvent ? (
          <p dir="auto">{message.text}</p>
        ) : (
          <Written message={message} isOwn={isOwn} isGrouped={isGrouped} context={context} />
        )}
      </article>
    </>
  );
}

interface WrittenProps extends Omit<RowProps, 'before'> {
  isOwn: boolean;
  isGrouped: boolean;
}

function Written({ message, isOwn, isGrouped, context }: WrittenProps) {
  const authorId = authorOf(message, context.ownId);
  const name = context.directory.nameOf(authorId) || texts.common.unknownUser;
  const canChange = isOwn && message.state === 'committed' && 'id' in message && !isDeleted(message);
  return (
    <>
      {!isGrouped && <Avatar name={name} userId={authorId} />}
      <div class="message-body">
        {!isGrouped && (
          <p class="message-head">
            <strong dir="auto">{name}</strong>
            <Time message={message} />
          </p>
        )}
        <Text message={message} />
        <Failure message={message} view={context.view} />
      </div>
      {canChange && (
        <button
          type="button"
          class="icon-button message-actions"
          tabIndex={-1}
          aria-label={texts.room.actions}
          title={texts.room.actions}
          onClick={() => context.onActions(message)}
        >
          <Icon name="menu" />
        </button>
      )}
    </>
  );
}

function Time({ message }: { message: ShownMessage }) {
  const time = timeOf(message);
  return (
    <time dateTime={new Date(time).toISOString()} title={dateTexts.full(time)}>
      {dateTexts.clock(time)}
    </time>
  );
}

function Text({ message }: { message: ShownMessage }) {
  if (isDeleted(message)) return <p class="message-deleted">{texts.rooms.deleted}</p>;
  return (
    <p class="message-text" dir="auto">
      {splitLinks(message.text).map(({ text, url, at }) =>
        url ? (
          <a key={at} href={url} target="_blank" rel="noopener noreferrer nofollow">
            {text}
          </a>
        ) : (
          text
        ),
      )}
      {isEdited(message) && <small> {texts.room.edited}</small>}
      {message.state === 'sending' && <small> {texts.room.sending}</small>}
    </p>
  );
}

/** An own message that was refused, and what its author may do now. */
function Failure({ message, view }: { message: ShownMessage; view: RoomView }) {
  if (message.state !== 'failed') return null;
  const { ref, refused } = message;
  return (
    <p class="message-failed">
      <span>{texts.room.failed(errorText(refused))}</span>
      <button type="button" class="link-button" onClick={() => void view.retry(ref).catch(() => undefined)}>
        {texts.room.retry}
      </button>
      <button type="button" class="link-button" onClick={() => view.discard(ref)}>
        {texts.room.discard}
      </button>
    </p>
  );
}

function isFirstUnread({ seq = 0 }: ShownMessage, before: ShownMessage | undefined, unreadAfter?: number): boolean {
  return unreadAfter !== undefined && seq > unreadAfter && before !== undefined && (before.seq ?? 0) <= unreadAfter;
}

function dayText(time: number): string {
  if (new Date(time).toDateString() === new Date().toDateString()) return texts.room.today;
  return dateTexts.day(time);
}
