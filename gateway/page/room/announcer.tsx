import { useEffect, useRef, useState } from 'preact/hooks';
import type { RoomSnapshot } from '../../../shared/client/room-view.ts';
import type { RowContext } from './message-row.tsx';
import { sentenceOf } from './sentence.ts';

/** Older announcements are removed. A screen reader has spoken them, or will not. */
const MAX_ANNOUNCEMENTS = 5;

interface AnnouncerProps {
  snapshot: RoomSnapshot;
  context: RowContext;
}

/** Gives each new message to a screen reader once. History that loads is not new. */
export function Announcer({ snapshot, context }: AnnouncerProps) {
  const newestSeq = useRef<number>(undefined);
  const [announced, setAnnounced] = useState<{ ref: string; text: string }[]>([]);
  const { status, messages } = snapshot;
  useEffect(() => {
    if (status !== 'ready') return;
    const known = newestSeq.current;
    const committed = messages.filter((message) => 'id' in message);
    newestSeq.current = Math.max(known ?? 0, committed.at(-1)?.seq ?? 0);
    if (known === undefined) return;
    const fresh = committed.filter(({ seq }) => seq > known);
    if (fresh.length === 0) return;
    const lines = fresh.map((message) => ({ ref: message.ref, text: sentenceOf(message, context) }));
    setAnnounced((before) => [...before, ...lines].slice(-MAX_ANNOUNCEMENTS));
  }, [status, messages, context]);
  return (
    <div class="hidden-text" aria-live="polite" aria-relevant="additions">
      {announced.map(({ ref, text }) => (
        <p key={ref} dir="auto">
          {text}
        </p>
      ))}
    </div>
  );
}
