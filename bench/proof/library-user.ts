import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { type Ack, type Command, Refused, RoomsClient, type Transition } from '../../shared/client/main.ts';
import type { Account } from '../accounts.ts';
import type { ChatUser } from './chat-user.ts';
import type { SentCommand } from './history.ts';
import type { ParticipantOptions } from './participant.ts';

const TOKEN_POLL_MS = 100;
/** What the checker calls a close with this reason. */
const CLOSE_CODES: Record<string, number> = {
  ...{ going_away: 4000, reload: 4001, unavailable: 4100, busy: 4100 },
  ...{ token_revoked: 4401, token_expired: 4401, bad_token: 4401, bad_ticket: 4401 },
};

type LibraryUserOptions = Omit<ParticipantOptions, 'resumes'>;

/** A user with the client library (shared/client). Each connection goes to the next gateway. Records everything. */
export class LibraryUser implements ChatUser {
  readonly account: Account;
  readonly ownMessages: ChatUser['ownMessages'] = [];
  connection = 0;
  readonly #options: LibraryUserOptions;
  readonly #client: RoomsClient;
  /** True from the begin of a connection until its Welcome. */
  #isOpening = true;
  #isOpen = false;
  #isStopped = false;
  #place: number;
  #token: string | undefined;

  constructor(options: LibraryUserOptions) {
    this.#options = options;
    this.account = options.account;
    this.#place = options.firstUrl;
    const base = options.urls[0] as string;
    const move = (url: string) => url.replace(new URL(base).host, new URL(this.#url).host);
    this.#client = new RoomsClient({
      url: base,
      token: (code) => this.#newToken(code),
      fetch: (input, init) => fetch(move(`${input}`), init),
      WebSocket: class extends WebSocket {
        constructor(url: string, protocols: string[]) {
          super(move(url), protocols);
        }
      },
    });
    this.#client.on('state', (transition) => this.#changeState(transition));
    this.#client.on('rooms', () => this.#isOpening && this.#open());
    this.#client.on('message', ({ roomId, seq, command, targetId }) =>
      this.#record({ kind: 'got', connection: this.connection, roomId, seq, command, targetId }),
    );
    this.#client.on('resync', ({ roomId, seq }) =>
      this.#record({ kind: 'resynced', connection: this.connection, roomId, seq }),
    );
    void this.#client.connect();
  }

  get isAttached(): boolean {
    return this.#isOpen;
  }

  get isLive(): boolean {
    return this.#isOpen && this.#client.state === 'live';
  }

  get openCommands(): number {
    return this.#client.outbox.length;
  }

  has(roomId: string, seq: number): boolean {
    return (this.#client.positionOf(roomId) ?? 0) >= seq;
  }

  send(command: Omit<SentCommand, 'ref'>): void {
    const ref = randomUUID();
    this.#record({ kind: 'sent', connection: this.connection, ...command, ref });
    this.#client.send(toCommand(command), ref).then(
      (ack) => this.#complete(command, ref, ack),
      (error) => this.#refuse(ref, error),
    );
  }

  sendSilentAgain(): void {
    // The client itself does this.
  }

  pauseReading(): void {
    // The WebSocket of the platform cannot stop reading.
  }

  resumeReading(): void {
    // See above.
  }

  stop(): void {
    this.#isStopped = true;
    void this.#client.close();
  }

  get #url(): string {
    const { urls } = this.#options;
    return urls[this.#place % urls.length] as string;
  }

  #record(event: Parameters<ParticipantOptions['recorder']['record']>[0]): void {
    if (!this.#isStopped) this.#options.recorder.record(event);
  }

  /** After a logout, another part of the run gives the account a new token. */
  async #newToken(refusedFor: string | undefined): Promise<string> {
    const { account } = this;
    const old = this.#token;
    while (refusedFor && account.token === old && !this.#isStopped) await wait(TOKEN_POLL_MS);
    this.#token = account.token;
    return account.token;
  }

  #changeState({ from, to, reason }: Transition): void {
    const isMove = reason === 'going_away' && to === 'recovering';
    if (this.#isOpen && (isMove || to === 'offline' || to === 'connecting' || to === 'closed')) this.#lose(reason);
    if (isMove || to === 'offline') this.#place++;
    if (to === 'connecting' || (to === 'recovering' && from !== 'live')) this.#isOpening = true;
  }

  #lose(reason: string): void {
    const code = CLOSE_CODES[reason];
    this.#record({
      ...{ kind: 'closed', connection: this.connection },
      reason: code ? `close code ${code} ${reason}` : reason,
    });
    this.#isOpen = false;
    this.#isOpening = true;
  }

  /** The Welcome has come. The client sends each command without an outcome again. */
  #open(): void {
    const { recorder } = this.#options;
    this.connection = recorder.nextConnection();
    this.#isOpening = false;
    this.#isOpen = true;
    const positions = recorder.rooms.map(({ id }): [string, number | undefined] => [id, this.#client.positionOf(id)]);
    const heads = new Map(positions.filter((entry): entry is [string, number] => entry[1] !== undefined));
    this.#record({ kind: 'opened', connection: this.connection, userId: this.account.id, heads, isResumed: true });
    for (const { ref, command } of this.#client.outbox)
      this.#record({ kind: 'sent', connection: this.connection, ref, ...toSent(command) });
  }

  #complete(command: Omit<SentCommand, 'ref'>, ref: string, { id, roomId, seq }: Ack): void {
    this.#record({ kind: 'acked', connection: this.connection, ref, roomId, seq });
    if (command.command === 'CreateMessage') this.ownMessages.push({ id, roomId });
  }

  #refuse(ref: string, error: unknown): void {
    if (!(error instanceof Refused)) throw error;
    this.#record({ kind: 'refused', connection: this.connection, ref, code: error.code });
  }
}

function toCommand({ command, roomId, targetId, text }: Omit<SentCommand, 'ref'>): Command {
  return { command, roomId, targetId, text } as Command;
}

function toSent(command: Command): Omit<SentCommand, 'ref'> {
  return { roomId: '', targetId: '', text: '', ...command } as Omit<SentCommand, 'ref'>;
}
