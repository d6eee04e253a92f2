import { useState } from 'preact/hooks';
import { CaughtCode } from '../session/caught-code.tsx';
import { texts } from '../texts.ts';
import { fieldOf } from '../ui/error-text.ts';
import { Field } from '../ui/field.tsx';
import { Form } from '../ui/form.tsx';
import { useTask } from '../ui/use-task.ts';
import type { SectionProps } from './section-props.ts';
import { useOwnUser } from './use-own-user.ts';

interface Asked {
  email: string;
  mailedAt: Date;
}

/** A new e-mail. The server first mails a code to it. */
export function EmailSection({ session }: SectionProps) {
  const user = useOwnUser(session);
  const [asked, setAsked] = useState<Asked>();
  if (!user?.email) return <p class="quiet">{texts.common.loading}</p>;
  return (
    <>
      <p dir="auto">{texts.settings.emailNow(user.email)}</p>
      {asked ? (
        <CodeForm session={session} asked={asked} onDone={() => setAsked(undefined)} />
      ) : (
        <EmailForm session={session} onAsked={setAsked} />
      )}
    </>
  );
}

type SessionProps = Pick<SectionProps, 'session'>;

function EmailForm({ session, onAsked }: SessionProps & { onAsked(asked: Asked): void }) {
  const [email, setEmail] = useState('');
  const task = useTask(async () => {
    const mailedAt = new Date();
    await session.client.request('POST', '/api/users/send-otp', { email, purpose: 'update' });
    onAsked({ email, mailedAt });
  });
  return (
    <Form action={texts.code.send} task={task}>
      <Field
        label={texts.settings.newEmail}
        type="email"
        autocomplete="email"
        required
        isInvalid={fieldOf(task.error) === 'email'}
        value={email}
        onValue={setEmail}
      />
    </Form>
  );
}

function CodeForm({ session, asked, onDone }: SessionProps & { asked: Asked; onDone(): void }) {
  const user = useOwnUser(session);
  const [otp, setOtp] = useState('');
  const [phone, setPhone] = useState('');
  const task = useTask(async () => {
    const { firstName, lastName } = user ?? {};
    await session.client.request('PUT', '/api/users/update-otp', {
      ...{ firstName, lastName, phone, otp },
      email: asked.email,
    });
    await session.directory.reload(session.userId);
    onDone();
  });
  const cancel = (
    <button type="button" class="button" onClick={onDone}>
      {texts.common.cancel}
    </button>
  );
  return (
    <Form action={texts.common.save} task={task} extra={cancel}>
      <CaughtCode email={asked.email} mailedAt={asked.mailedAt} />
      <Field
        label={texts.code.code}
        hint={texts.code.codeHint(asked.email)}
        inputMode="numeric"
        autocomplete="one-time-code"
        required
        isInvalid={fieldOf(task.error) === 'otp'}
        value={otp}
        onValue={setOtp}
      />
      <Field
        label={texts.code.phone}
        hint={texts.settings.profileHint}
        type="tel"
        autocomplete="tel"
        required
        isInvalid={fieldOf(task.error) === 'phone'}
        value={phone}
        onValue={setPhone}
      />
    </Form>
  );
}
