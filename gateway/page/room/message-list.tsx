import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { RoomSnapshot, RoomView } from '../../../shared/client/room-view.ts';
import { texts } from '../texts.ts';
import { useSnapshot } from '../ui/use-snapshot.ts';
import { Announcer } from './announcer.tsx';
import { chunksOf } from './chunks.ts';
import { MessageChunk } from './message-chunk.tsx';
import type { RowContext } from './message-row.tsx';
import { moveFocus } from './row-focus.ts';
import { ScrollKeeper } from './scroll-keeper.ts';

interface MessageListProps {
  snapshot: RoomSnapshot;
  context: RowContext;
  /** The reader has the newest message on the screen. */
  onReadToEnd?: ((seq: number) => void) | undefined;
}

/** The messages of a room. Older ones load when the reader comes near the first one. */
export function MessageList({ snapshot, context, onReadToEnd }: MessageListProps) {
  const names = useSnapshot(context.directory);
  const { scroller, content, onScroll, toEnd, unseen } = useScrolling(snapshot, context.view, onReadToEnd);
  const chunks = useMemo(() => chunksOf(snapshot.messages), [snapshot.messages]);
  const words = texts.room;
  return (
    <div class="message-area">
      {/* The list itself is not live, because older messages and send states change it too. The announcer is live. */}
      <section
        ref={scroller}
        class="messages"
        role="log"
        aria-live="off"
        aria-label={words.messages}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling list must be reachable with the keyboard.
        tabIndex={0}
        onScroll={onScroll}
        onKeyDown={moveFocus}
      >
        <div ref={content} class="messages-content">
          {snapshot.status === 'loading' && snapshot.messages.length === 0 && <p class="day">{texts.common.loading}</p>}
          {snapshot.status === 'ready' && snapshot.messages.length === 0 && <p class="day">{words.empty}</p>}
          {chunks.map((chunk) => (
            <MessageChunk key={chunk.key} chunk={chunk} context={context} names={names} />
          ))}
        </div>
      </section>
      {unseen > 0 && (
        <button type="button" class="button to-end" onClick={toEnd}>
          {words.newMessages(unseen)}
        </button>
      )}
      <Announcer snapshot={snapshot} context={context} names={names} />
    </div>
  );
}

function useScrolling(
  { messages, status }: RoomSnapshot,
  view: RoomView,
  onReadToEnd: ((seq: number) => void) | undefined,
) {
  const scroller = useRef<HTMLElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const keeper = useRef<ScrollKeeper>(undefined);
  const isLoading = useRef(false);
  const [seenCount, setSeenCount] = useState(Number.POSITIVE_INFINITY);
  const newest = messages.findLast((message) => message.state === 'committed' && message.seq)?.seq ?? 0;

  useLayoutEffect(() => {
    if (!scroller.current || !content.current) return;
    keeper.current = new ScrollKeeper(scroller.current, content.current);
    return () => keeper.current?.close();
  }, []);
  const loadOlder = useCallback(() => {
    if (isLoading.current || status !== 'ready') return;
    isLoading.current = true;
    const done = () => {
      isLoading.current = false;
    };
    view.loadOlder().then(done, done);
  }, [view, status]);
  const report = useCallback(() => {
    if (newest > 0 && keeper.current?.isAtEnd && document.visibilityState === 'visible') onReadToEnd?.(newest);
  }, [newest, onReadToEnd]);
  const onScroll = useCallback(() => {
    if (keeper.current?.note()) loadOlder();
    setSeenCount(keeper.current?.isAtEnd ? Number.POSITIVE_INFINITY : (seen) => Math.min(seen, newest));
    report();
  }, [loadOlder, newest, report]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the effect runs after each change of the messages.
  useLayoutEffect(() => keeper.current?.restore(), [messages]);
  useEffect(() => {
    report();
    document.addEventListener('visibilitychange', report);
    return () => document.removeEventListener('visibilitychange', report);
  }, [report]);
  const unseen = messages.filter(({ seq = 0 }) => seq > seenCount).length;
  return { scroller, content, onScroll, toEnd: () => keeper.current?.toEnd(), unseen };
}
