import { texts } from '../texts.ts';
import { Dialog } from './dialog.tsx';
import { Notice } from './notice.tsx';
import { useTask } from './use-task.ts';

interface ConfirmProps {
  title: string;
  text: string;
  /** The label of the button that does it. */
  action: string;
  onConfirm(): Promise<unknown>;
  onClose(): void;
}

/** Asks before something that cannot be undone. */
export function Confirm({ title, text, action, onConfirm, onClose }: ConfirmProps) {
  const task = useTask(async () => {
    await onConfirm();
    onClose();
  });
  return (
    <Dialog title={title} onClose={onClose}>
      <p dir="auto">{text}</p>
      <Notice error={task.error} />
      <div class="actions">
        <button type="button" class="button" onClick={onClose}>
          {texts.common.cancel}
        </button>
        <button type="button" class="button button-danger" disabled={task.isRunning} onClick={() => task.run()}>
          {action}
        </button>
      </div>
    </Dialog>
  );
}
