import type { ComponentChildren } from 'preact';
import { Notice } from './notice.tsx';

interface FormProps {
  children: ComponentChildren;
  /** The label of the button. */
  action: string;
  task: { isRunning: boolean; error: unknown; run(): Promise<void> };
  /** Buttons before the main one. */
  extra?: ComponentChildren;
}

/** A form that runs a task. It shows the error of the task. */
export function Form({ children, action, task, extra }: FormProps) {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void task.run();
  };
  return (
    <form class="form" onSubmit={submit}>
      {children}
      <Notice error={task.error} />
      <div class="actions">
        {extra}
        <button type="submit" class="button button-primary" disabled={task.isRunning}>
          {action}
        </button>
      </div>
    </form>
  );
}
