import { useEffect, useMemo } from 'preact/hooks';
import { Layout } from './layout.tsx';
import { Account } from './session/account.ts';
import { SignIn } from './session/sign-in.tsx';
import { texts } from './texts.ts';
import { useSnapshot } from './ui/use-snapshot.ts';

/** The whole page: for a person who is logged in, or for one who is not. */
export function App() {
  const account = useMemo(() => new Account(), []);
  useEffect(() => account.restore(), [account]);
  const state = useSnapshot(account);
  if (state.is === 'in') return <Layout account={account} session={state.session} />;
  if (state.is === 'opening') return <p class="opening">{texts.common.loading}</p>;
  return <SignIn account={account} notice={state.notice} />;
}
