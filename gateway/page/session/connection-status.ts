import type { State as Phase } from '../../../shared/client/connection.ts';
import type { RoomsClient } from '../../../shared/client/rooms-client.ts';
import { State } from '../ui/state.ts';

/** The codes after which only a new login helps. */
const LOGIN_CODES = ['no_token', 'bad_token', 'token_expired', 'token_revoked', 'other_user'];

export interface Status {
  phase: Phase;
  /** Why, as the client library reports it. */
  reason: string;
}

/** The state of the connection, for the page. */
export class ConnectionStatus {
  readonly #state: State<Status>;
  readonly #client: RoomsClient;

  constructor(client: RoomsClient) {
    this.#client = client;
    this.#state = new State<Status>({ phase: client.state, reason: 'connect' });
    client.on('state', ({ to, reason }) => this.#state.set({ phase: to, reason }));
  }

  readonly getSnapshot = () => this.#state.getSnapshot();
  readonly subscribe = (listener: () => void) => this.#state.subscribe(listener);

  /** True if the token has ended, so the user must log in again. */
  get needsLogin(): boolean {
    const { phase, reason } = this.#state.getSnapshot();
    return phase === 'closed' && LOGIN_CODES.includes(reason);
  }

  /** Ends a wait, and also the state `closed`. */
  retry(): void {
    void this.#client.connect();
  }
}
