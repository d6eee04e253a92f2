import { useEffect, useState } from 'preact/hooks';
import type { CommittedMessage, RoomSnapshot } from '../../../shared/client/room-view.ts';
import { texts } from '../texts.ts';
import { Announcements, NAME_WAIT_MS } from './announcements.ts';
import { isWritten } from './message-kind.ts';
import type { RowContext } from './message-row.tsx';
import { sentenceOf } from './sentence.ts';

/** The number of older announcements that stay in the page. A screen reader has spoken them, or will not. */
const KEPT = 5;
/** If more messages are new at once, only their number is spoken. */
const MAX_SPOKEN = 20;

interface AnnouncerProps {
  snapshot: RoomSnapshot;
  context: RowContext;
  /** Another object when a name has changed. */
  names: unknown;
}

/** Gives each new message to a screen reader once. */
export function Announcer({ snapshot, context, names }: AnnouncerProps) {
  const [announcements] = useState(() => new Announcements());
  const [lines, setLines] = useState<Line[]>([]);
  const { status, messages } = snapshot;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a name may have come.
  useEffect(() => {
    if (status !== 'ready') return;
    announcements.note(messages.filter(isCommitted), Date.now());
    const speak = () => {
      const taken = announcements.take((message) => hasName(message, context), Date.now());
      if (taken.length > 0) setLines((before) => [...before.slice(-KEPT), ...linesOf(taken, context)]);
    };
    speak();
    if (!announcements.isWaiting) return;
    const timer = setInterval(speak, NAME_WAIT_MS / 10);
    return () => clearInterval(timer);
  }, [status, messages, context, names]);
  return (
    <div class="hidden-text" aria-live="polite" aria-relevant="additions">
      {lines.map(({ ref, text }) => (
        <p key={ref} dir="auto">
          {text}
        </p>
      ))}
    </div>
  );
}

interface Line {
  ref: string;
  text: string;
}

function linesOf(taken: CommittedMessage[], context: RowContext): Line[] {
  const last = taken.at(-1) as CommittedMessage;
  if (taken.length > MAX_SPOKEN) return [{ ref: last.ref, text: texts.room.manyNewMessages(taken.length) }];
  return taken.map((message) => ({ ref: message.ref, text: sentenceOf(message, context) }));
}

function hasName(message: CommittedMessage, { directory, ownId }: RowContext): boolean {
  const { userId } = message;
  return !isWritten(message) || userId === ownId || directory.nameOf(userId) !== '';
}

const isCommitted = (message: RoomSnapshot['messages'][number]): message is CommittedMessage => 'id' in message;
