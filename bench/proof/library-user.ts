import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { type Command, Refused, RoomsClient, type Transition } from '../../shared/client/main.ts';
import type { Account } from '../accounts.ts';
import type { ChatUser } from './chat-user.ts';
import type { SentCommand } from './history.ts';
import type { ParticipantOptions } from './participant.ts';
import { recordingSocket } from './recording-socket.ts';

const TOKEN_POLL_MS = 100;
/** What the checker calls a close with this reason. */
const CLOSE_CODES: Record<string, number> = {
  ...{ going_away: 4000, reload: 4001, unavailable: 4100, busy: 4100 },
  ...{ token_revoked: 4401, token_expired: 4401, bad_token: 4401, bad_ticket: 4401 },
};

type LibraryUserOptions = Omit<ParticipantOptions, 'resumes'>;

/**
 * A user with the client library (shared/client). Each socket goes to the next gateway. Records the messages that the
 * library reports. Its sockets record the commands and the answers, and each promise must agree with them.
 */
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
  /** The last answer of a gateway to each command. */
  readonly #answers = new Map<string, number | string>();

  constructor(options: LibraryUserOptions) {
    this.#options = options;
    this.account = options.account;
    this.#place = options.firstUrl;
    const base = options.urls[0] as string;
    const move = (url: string) => url.replace(new URL(base).host, new URL(this.#url).host);
    this.#client = new RoomsClient({
      url: base,
      token: (code) => this.#newToken(code),
      fetch: (input, init) => this.#fetch(move(`${input}`), init),
      WebSocket: recordingSocket({
        recorder: options.recorder,
        move: (url) => {
          this.#place++;
          return move(url);
        },
        onAnswer: (ref, answer) => this.#answers.set(ref, answer),
      }),
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
    this.#client.send(toCommand(command), ref).then(
      ({ id, roomId, seq }) => {
        this.#checkAnswer(ref, seq);
        if (command.command === 'CreateMessage') this.ownMessages.push({ id, roomId });
      },
      (error) => this.#checkAnswer(ref, error instanceof Refused ? error.code : error),
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

  /** After an answer of a gateway that is gone, the next request goes to the next gateway. */
  async #fetch(url: string, init?: RequestInit): Promise<Response> {
    try {
      const answer = await fetch(url, init);
      if (answer.status >= 500) this.#place++;
      return answer;
    } catch (error) {
      this.#place++;
      throw error;
    }
  }

  /** After a logout, another part of the run gives the account a new token. */
  async #newToken(refusedFor: string | undefined): Promise<string> {
    const { account } = this;
    const old = this.#token;
    while (refusedFor && account.token === old && !this.#isStopped) await wait(TOKEN_POLL_MS);
    this.#token = account.token;
    return account.token;
  }

  /** A move to another gateway is no end of the connection: the messages go on. */
  #changeState({ from, to, reason }: Transition): void {
    if (this.#isOpen && (to === 'offline' || to === 'connecting' || to === 'closed')) this.#lose(reason);
    if (to === 'recovering' && from === 'connecting') this.#isOpening = true;
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
  }

  /** The promise of a command must say what the gateway has answered. */
  #checkAnswer(ref: string, promised: unknown): void {
    const answer = this.#answers.get(ref);
    if (!this.#isStopped && promised !== answer)
      throw new Error(`${ref}: the gateway answered ${answer}, and the client ${promised}`);
  }
}

function toCommand({ command, roomId, targetId, text }: Omit<SentCommand, 'ref'>): Command {
  return { command, roomId, targetId, text } as Command;
}
