import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { CommittedMessage, RoomView } from '../../../shared/client/room-view.ts';
import { texts } from '../texts.ts';
import { Icon } from '../ui/icons.tsx';
import { Notice } from '../ui/notice.tsx';
import { useTask } from '../ui/use-task.ts';
import { drafts } from './drafts.ts';
import { charactersLeft } from './text-limit.ts';

/** The number of characters is shown when this many are left. */
const WARN_CHARACTERS = 50;

interface ComposerProps {
  view: RoomView;
  /** The message that the user edits now. */
  edited: CommittedMessage | undefined;
  onEdited(message: CommittedMessage | undefined): void;
  /** The newest own message, which Arrow-Up edits. */
  lastOwn: CommittedMessage | undefined;
  onTyping?: (() => void) | undefined;
}

/** Writes a message, or changes one. Enter sends, and Shift+Enter begins a new line. */
export function Composer({ view, edited, onEdited, lastOwn, onTyping }: ComposerProps) {
  const [text, setText] = useText(view.roomId, edited);
  const area = useRef<HTMLTextAreaElement>(null);
  useHeight(area, text);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the focus moves when an edit begins or ends.
  useLayoutEffect(() => area.current?.focus(), [edited]);
  const left = charactersLeft(text);
  const change = useTask(async (target: CommittedMessage, newText: string) => {
    await view.edit(target.id, newText);
    onEdited(undefined);
  });
  const send = () => {
    if (text.trim() === '' || left < 0) return;
    if (edited) return void change.run(edited, text);
    // The list shows what becomes of it. A failed message stays there.
    view.write(text).catch(() => undefined);
    setText('');
  };
  const handleKey = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      send();
    }
    if (event.key === 'Escape' && edited) onEdited(undefined);
    if (event.key === 'ArrowUp' && text === '' && lastOwn) {
      event.preventDefault();
      onEdited(lastOwn);
    }
  };
  const words = texts.room;
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <Notice error={change.error} />
      {edited && (
        <p class="composer-mode">
          <span>{words.editing}</span>
          <button type="button" class="link-button" onClick={() => onEdited(undefined)}>
            {texts.common.cancel}
          </button>
        </p>
      )}
      <div class="composer-line">
        <textarea
          ref={area}
          rows={1}
          dir="auto"
          aria-label={words.write}
          placeholder={words.write}
          aria-invalid={left < 0}
          value={text}
          onInput={({ currentTarget }) => {
            setText(currentTarget.value);
            onTyping?.();
          }}
          onKeyDown={handleKey}
        />
        <button type="submit" class="icon-button composer-send" aria-label={words.send} title={words.send}>
          <Icon name="send" />
        </button>
      </div>
      <p class="composer-left" role="status">
        {left < WARN_CHARACTERS && words.left(left)}
      </p>
    </form>
  );
}

/** The text in the composer: that of the edited message, or the draft of the room. */
function useText(roomId: string, edited: CommittedMessage | undefined): [string, (text: string) => void] {
  const [text, setText] = useState(drafts.get(roomId) ?? '');
  // Before the next key: what the user types into an edit must not be replaced.
  useLayoutEffect(() => setText(edited?.text ?? drafts.get(roomId) ?? ''), [edited, roomId]);
  const change = (value: string) => {
    setText(value);
    if (!edited) drafts.set(roomId, value);
  };
  return [text, change];
}

/** The area grows with its text. */
function useHeight(area: { current: HTMLTextAreaElement | null }, text: string): void {
  useLayoutEffect(() => {
    const { current } = area;
    if (!current) return;
    current.style.blockSize = 'auto';
    if (text) current.style.blockSize = `${current.scrollHeight}px`;
  }, [area, text]);
}
