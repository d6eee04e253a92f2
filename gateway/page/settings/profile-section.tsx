import { useState } from 'preact/hooks';
import type { DirectoryUser } from '../session/directory.ts';
import { texts } from '../texts.ts';
import { fieldOf } from '../ui/error-text.ts';
import { Field } from '../ui/field.tsx';
import { Form } from '../ui/form.tsx';
import { useTask } from '../ui/use-task.ts';
import type { SectionProps } from './section-props.ts';
import { useOwnUser } from './use-own-user.ts';

/** The names and the phone. */
export function ProfileSection({ session }: SectionProps) {
  const user = useOwnUser(session);
  if (!user) return <p class="quiet">{texts.common.loading}</p>;
  return <ProfileForm session={session} user={user} />;
}

function ProfileForm({ session, user }: Pick<SectionProps, 'session'> & { user: DirectoryUser }) {
  const [person, setPerson] = useState({ firstName: user.firstName, lastName: user.lastName, phone: '' });
  const [isSaved, setSaved] = useState(false);
  const task = useTask(async () => {
    setSaved(false);
    await session.client.request('PUT', '/api/users/update', { ...person, email: user.email });
    await session.directory.reload(session.userId);
    setSaved(true);
  });
  const field = (name: keyof typeof person) => ({
    value: person[name],
    onValue: (value: string) => setPerson({ ...person, [name]: value }),
    isInvalid: fieldOf(task.error) === name,
    required: true,
  });
  return (
    <Form action={texts.common.save} task={task} extra={<span role="status">{isSaved && texts.common.saved}</span>}>
      <div class="field-pair">
        <Field label={texts.signIn.firstName} autocomplete="given-name" {...field('firstName')} />
        <Field label={texts.signIn.lastName} autocomplete="family-name" {...field('lastName')} />
      </div>
      <Field
        label={texts.code.phone}
        hint={texts.settings.profileHint}
        type="tel"
        autocomplete="tel"
        {...field('phone')}
      />
    </Form>
  );
}
