import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Refusal } from '../../shared/contract/errors.ts';

/** Milliseconds after which a hasher that does not answer is replaced; while all else is busy it may take a while. */
const PATIENCE = 20_000;
/** Hashes at work, and waiting for that; what comes beyond is refused. */
const MOST_AT_ONCE = 2;
const MOST_OPEN = MOST_AT_ONCE + 64;

/** What the hasher is asked: to hash a password, or whether it is that of a hash. */
export interface Question {
  id: number;
  password: string;
  hash?: string;
}

export interface Answer {
  id: number;
  hash?: string;
  isRight?: boolean;
  /** The hash was made with parameters that are no longer those of today. */
  isOld?: boolean;
  failure?: string;
}

interface Open {
  question: Question;
  settle: (answer: Answer) => void;
  timer?: NodeJS.Timeout;
}

/**
 * Has passwords hashed in a process of their own: of lower priority, and in a session of its own, for a kernel may
 * weigh sessions against each other. In threads of the gateway hashes would hold up its sockets, whatever the threads'
 * priority (bench/README.md). One that dies is replaced; what it was at is refused.
 */
export class Passwords {
  readonly #hasher = fileURLToPath(new URL('hasher.ts', import.meta.url));
  #child: ChildProcess | undefined;
  #questions = 0;
  readonly #waiting: Open[] = [];
  readonly #atWork = new Map<number, Open>();
  #hashOfNobody: string | undefined;

  /** Resolves when it is ready. */
  static async start(): Promise<Passwords> {
    const passwords = new Passwords();
    passwords.#hashOfNobody = await passwords.hash('nobody');
    return passwords;
  }

  /** Whether {@link verify} would be refused now. */
  get isBusy(): boolean {
    return this.#waiting.length + this.#atWork.size >= MOST_OPEN;
  }

  /** @throws Refusal `busy` when too many wait already */
  async hash(password: string): Promise<string> {
    const { hash } = await this.#ask({ password });
    return hash as string;
  }

  /**
   * Whether the password is that of the hash. Without a hash it takes as long and is not, so that the time of an answer
   * does not tell whether there is such an account.
   * @throws Refusal `busy` when too many wait already
   */
  async verify(hash: string | undefined, password: string): Promise<{ isRight: boolean; isOld: boolean }> {
    const compared = hash ?? (this.#hashOfNobody as string);
    const { isRight, isOld } = await this.#ask({ hash: compared, password });
    return { isRight: isRight === true && hash !== undefined, isOld: isOld === true };
  }

  close(): void {
    this.#child?.disconnect();
  }

  async #ask(question: Omit<Question, 'id'>): Promise<Answer> {
    if (this.isBusy) throw new Refusal('busy');
    const answer = await new Promise<Answer>((settle) => {
      this.#waiting.push({ question: { id: this.#questions++, ...question }, settle });
      this.#send();
    });
    if (answer.failure !== undefined) throw new Refusal('busy', { cause: new Error(answer.failure) });
    return answer;
  }

  #send(): void {
    while (this.#atWork.size < MOST_AT_ONCE) {
      const open = this.#waiting.shift();
      if (!open) return;
      this.#atWork.set(open.question.id, open);
      this.#child ??= this.#start();
      this.#give(this.#child, open);
    }
  }

  #give(child: ChildProcess, open: Open): void {
    open.timer = setTimeout(() => this.#lose(child), PATIENCE);
    // What cannot be sent is told by an event, too; a process that could not be started has no `send`.
    child.send?.(open.question, () => undefined);
  }

  #start(): ChildProcess {
    const child = fork(this.#hasher, { detached: true });
    child.on('message', (answer: Answer) => this.#settle(answer));
    for (const event of ['error', 'exit', 'disconnect'] as const) child.on(event, () => this.#lose(child));
    return child;
  }

  #settle(answer: Answer): void {
    const open = this.#atWork.get(answer.id);
    clearTimeout(open?.timer);
    this.#atWork.delete(answer.id);
    open?.settle(answer);
    this.#send();
  }

  #lose(child: ChildProcess): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    child.kill('SIGKILL');
    for (const id of [...this.#atWork.keys()]) this.#settle({ id, failure: 'the hasher ended' });
  }
}
