import { texts } from '../texts.ts';
import { Notice } from '../ui/notice.tsx';
import { useTask } from '../ui/use-task.ts';
import type { SectionProps } from './section-props.ts';

/** Log out, here or everywhere. */
export function SessionsSection({ account }: SectionProps) {
  const logOut = useTask(() => account.logOut('/api/users/logout'));
  const logOutAll = useTask(() => account.logOut('/api/users/logout-all'));
  const words = texts.settings;
  const rows = [
    { label: words.logOut, hint: words.logOutHint, task: logOut, look: 'button' },
    { label: words.logOutAll, hint: words.logOutAllHint, task: logOutAll, look: 'button button-danger' },
  ];
  return (
    <>
      {rows.map(({ label, hint, task, look }) => (
        <div key={label} class="setting-row">
          <p>{hint}</p>
          <button type="button" class={look} disabled={task.isRunning} onClick={() => task.run()}>
            {label}
          </button>
        </div>
      ))}
      <Notice error={logOutAll.error} />
    </>
  );
}
