import { useState } from 'preact/hooks';
import type { CommittedMessage, RoomView } from '../../../shared/client/room-view.ts';
import { texts } from '../texts.ts';
import { Confirm } from '../ui/confirm.tsx';
import { Dialog } from '../ui/dialog.tsx';

interface MessageActionsProps {
  view: RoomView;
  message: CommittedMessage;
  onEdit(): void;
  onClose(): void;
}

/** What an author may do with their message. */
export function MessageActions({ view, message, onEdit, onClose }: MessageActionsProps) {
  const [isDeleting, setDeleting] = useState(false);
  const words = texts.room;
  if (isDeleting)
    return (
      <Confirm
        title={words.deleteTitle}
        text={message.text}
        action={words.delete}
        onConfirm={() => view.delete(message.id)}
        onClose={onClose}
      />
    );
  return (
    <Dialog title={words.actions} onClose={onClose}>
      <p class="quoted" dir="auto">
        {message.text}
      </p>
      <div class="actions">
        <button type="button" class="button button-danger" onClick={() => setDeleting(true)}>
          {words.delete}
        </button>
        <button
          type="button"
          class="button button-primary"
          onClick={() => {
            onClose();
            onEdit();
          }}
        >
          {words.edit}
        </button>
      </div>
    </Dialog>
  );
}
