import { texts } from '../texts.ts';
import { State } from '../ui/state.ts';
import { Session } from './session.ts';
import { forgetSession, keepSession, onOtherTab, readSession, type StoredSession } from './stored-session.ts';

/** `opening` is the short time until the store of the user is open. */
type AccountState = { is: 'out'; notice?: string } | { is: 'opening' } | { is: 'in'; session: Session };

/** Who is logged in on this page. */
export class Account {
  readonly #state = new State<AccountState>({ is: 'out' });
  /** Counts the logins, so that a slow one cannot replace a later one. */
  #turn = 0;

  readonly getSnapshot = () => this.#state.getSnapshot();
  readonly subscribe = (listener: () => void) => this.#state.subscribe(listener);

  /** Continues the session that this browser has kept. */
  restore(): void {
    onOtherTab(() => this.#follow());
    const stored = readSession();
    if (stored) void this.#enter(stored);
  }

  logIn(session: StoredSession): Promise<void> {
    keepSession(session);
    return this.#enter(session);
  }

  /** Ends the session on the server too, if the server can be reached. */
  async logOut(path: '/api/users/logout' | '/api/users/logout-all'): Promise<void> {
    const state = this.getSnapshot();
    if (state.is !== 'in') return;
    // "Everywhere" is a promise, so its error is shown. Without the server, a plain logout still forgets the token.
    const ending = state.session.client.request('POST', path);
    await (path === '/api/users/logout' ? ending.catch(() => undefined) : ending);
    this.#end();
  }

  async #enter(stored: StoredSession): Promise<void> {
    const turn = ++this.#turn;
    this.#state.set({ is: 'opening' });
    const session = await Session.open(stored);
    if (turn !== this.#turn) return void session.close();
    session.connection.subscribe(() => session.connection.needsLogin && this.#end(texts.signIn.tokenEnded));
    this.#state.set({ is: 'in', session });
  }

  #end(notice?: string): void {
    forgetSession();
    this.#leave(notice);
  }

  #leave(notice?: string): void {
    this.#turn++;
    const state = this.getSnapshot();
    this.#state.set({ is: 'out', ...(notice && { notice }) });
    if (state.is === 'in') void state.session.close();
  }

  /** Does what another tab has done. */
  #follow(): void {
    const stored = readSession();
    if (!stored) return void this.#leave();
    const state = this.getSnapshot();
    if (state.is === 'in' && state.session.userId === stored.userId) return;
    this.#leave();
    void this.#enter(stored);
  }
}
