import { useState } from 'preact/hooks';
import type { Person } from '../../../shared/client/protocol.ts';
import type { Session } from '../session/session.ts';
import { texts } from '../texts.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Field } from '../ui/field.tsx';
import { Form } from '../ui/form.tsx';
import { Notice } from '../ui/notice.tsx';
import { useTask } from '../ui/use-task.ts';

interface AddMemberProps {
  session: Session;
  roomId: string;
  onClose(): void;
}

/** Finds users by the beginning of their e-mail, and adds one to the room. */
export function AddMember({ session, roomId, onClose }: AddMemberProps) {
  const [email, setEmail] = useState('');
  const [found, setFound] = useState<Person[]>();
  const search = useTask(async () => {
    const { body } = await session.client.request<Person[]>('GET', `/api/users/email/${encodeURIComponent(email)}`);
    session.directory.add(body);
    setFound(body);
  });
  const add = useTask(async (targetId: string) => {
    await session.client.send({ command: 'AddUser', roomId, targetId });
    onClose();
  });
  const words = texts.room;
  return (
    <Dialog title={words.add} onClose={onClose}>
      <Form action={words.search} task={search}>
        <Field label={texts.signIn.email} hint={words.emailHint} required autofocus value={email} onValue={setEmail} />
      </Form>
      <Notice error={add.error} />
      {found && (
        <ul class="found-rooms" aria-label={words.found(found.length)}>
          <li class="quiet" role="status">
            {words.found(found.length)}
          </li>
          {found.map(({ id }) => (
            <li key={id} class="found-room">
              <Avatar name={session.directory.nameOf(id)} userId={id} />
              <span class="found-room-name" dir="auto">
                {session.directory.nameOf(id)}
              </span>
              <button
                type="button"
                class="button"
                aria-label={words.addUser(session.directory.nameOf(id))}
                disabled={add.isRunning}
                onClick={() => add.run(id)}
              >
                {words.addAction}
              </button>
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
