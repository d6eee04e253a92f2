import type { Account } from '../session/account.ts';
import type { Session } from '../session/session.ts';

export interface SectionProps {
  account: Account;
  session: Session;
}
