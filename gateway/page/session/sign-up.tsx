import { useState } from 'preact/hooks';
import { Refused } from '../../../shared/client/refused.ts';
import { texts } from '../texts.ts';
import { fieldOf } from '../ui/error-text.ts';
import { Field } from '../ui/field.tsx';
import { Form } from '../ui/form.tsx';
import { useTask } from '../ui/use-task.ts';
import type { Account } from './account.ts';
import { mailRegistrationCode, type Registration, register, registerWithCode } from './account-requests.ts';
import { CaughtCode } from './caught-code.tsx';

const EMPTY: Registration = { firstName: '', lastName: '', email: '', password: '' };

/** Make an account. Some servers want a mailed code for some e-mails: then a second form asks for it. */
export function SignUp({ account }: { account: Account }) {
  const [person, setPerson] = useState(EMPTY);
  const [mailedAt, setMailedAt] = useState<Date>();
  if (mailedAt) return <ProveEmail account={account} person={person} mailedAt={mailedAt} />;
  const submit = async () => {
    try {
      await account.logIn(await register(person));
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== 'email_unproven') throw error;
      const now = new Date();
      await mailRegistrationCode(person.email);
      setMailedAt(now);
    }
  };
  return <PersonForm person={person} onPerson={setPerson} submit={submit} />;
}

interface PersonFormProps {
  person: Registration;
  onPerson(person: Registration): void;
  submit(): Promise<void>;
}

function PersonForm({ person, onPerson, submit }: PersonFormProps) {
  const task = useTask(submit);
  const words = texts.signIn;
  const field = (name: keyof Registration) => ({
    value: person[name],
    onValue: (value: string) => onPerson({ ...person, [name]: value }),
    isInvalid: fieldOf(task.error) === name,
    required: true,
  });
  return (
    <Form action={words.signUp} task={task}>
      <div class="field-pair">
        <Field label={words.firstName} autocomplete="given-name" {...field('firstName')} />
        <Field label={words.lastName} autocomplete="family-name" {...field('lastName')} />
      </div>
      <Field label={words.email} type="email" autocomplete="username" {...field('email')} />
      <Field
        label={words.password}
        hint={words.newPasswordHint}
        type="password"
        autocomplete="new-password"
        {...field('password')}
      />
    </Form>
  );
}

function ProveEmail({ account, person, mailedAt }: { account: Account; person: Registration; mailedAt: Date }) {
  const [phone, setPhone] = useState('');
  const [otp, setOtp] = useState('');
  const task = useTask(async () => account.logIn(await registerWithCode({ ...person, phone, otp })));
  return (
    <Form action={texts.signIn.signUp} task={task}>
      <p role="status">{texts.signIn.unproven}</p>
      <CaughtCode email={person.email} mailedAt={mailedAt} />
      <Field
        label={texts.code.code}
        hint={texts.code.codeHint(person.email)}
        inputMode="numeric"
        autocomplete="one-time-code"
        required
        value={otp}
        onValue={setOtp}
      />
      <Field
        label={texts.code.phone}
        hint={texts.code.phoneHint}
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
