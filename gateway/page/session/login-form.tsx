import { useState } from 'preact/hooks';
import { texts } from '../texts.ts';
import { fieldOf } from '../ui/error-text.ts';
import { Field } from '../ui/field.tsx';
import { Form } from '../ui/form.tsx';
import { useTask } from '../ui/use-task.ts';
import type { Account } from './account.ts';
import { logIn } from './account-requests.ts';

/** Log in with an e-mail and a password. */
export function LoginForm({ account }: { account: Account }) {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const task = useTask(async () => account.logIn(await logIn({ email, password })));
  const words = texts.signIn;
  return (
    <Form action={words.logIn} task={task}>
      <Field
        label={words.email}
        type="email"
        autocomplete="username"
        required
        isInvalid={fieldOf(task.error) === 'email'}
        value={email}
        onValue={setEmail}
      />
      <Field
        label={words.password}
        type="password"
        autocomplete="current-password"
        required
        isInvalid={fieldOf(task.error) === 'password'}
        value={password}
        onValue={setPassword}
      />
    </Form>
  );
}
