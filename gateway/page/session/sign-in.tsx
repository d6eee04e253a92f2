import { useEffect, useState } from 'preact/hooks';
import { texts } from '../texts.ts';
import { Notice } from '../ui/notice.tsx';
import { useTask } from '../ui/use-task.ts';
import type { Account } from './account.ts';
import { continueAsGuest, showsCodes } from './development.ts';
import { LoginForm } from './login-form.tsx';
import { SignUp } from './sign-up.tsx';

interface SignInProps {
  account: Account;
  /** Why the user is here. */
  notice: string | undefined;
}

/** The page of a person who is not logged in. */
export function SignIn({ account, notice }: SignInProps) {
  const [isNew, setNew] = useState(false);
  const words = texts.signIn;
  return (
    <main class="sign-in">
      <div class="sign-in-card">
        <h1>{texts.name}</h1>
        <p class="sign-in-about">{texts.about}</p>
        {notice && (
          <p class="notice" role="status">
            {notice}
          </p>
        )}
        <Guest account={account} />
        {isNew ? <SignUp account={account} /> : <LoginForm account={account} />}
        <button type="button" class="link-button" onClick={() => setNew(!isNew)}>
          {isNew ? words.toLogIn : words.toSignUp}
        </button>
      </div>
    </main>
  );
}

/** One click to the rooms, where the gateway is for development. */
function Guest({ account }: { account: Account }) {
  const [isShown, setShown] = useState(false);
  useEffect(() => void showsCodes().then(setShown), []);
  const task = useTask(async () => account.logIn(await continueAsGuest()));
  if (!isShown) return null;
  return (
    <div class="sign-in-guest">
      <button type="button" class="button button-primary" disabled={task.isRunning} onClick={() => task.run()}>
        {texts.signIn.guest}
      </button>
      <small>{texts.signIn.guestHint}</small>
      <Notice error={task.error} />
      <p class="divider">{texts.signIn.or}</p>
    </div>
  );
}
