import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Config } from '../../shared/config.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import { limits } from '../../shared/contract/limits.ts';
import { impossibleHash } from '../../shared/hash-password.ts';
import { networkOf } from '../edge/addresses.ts';
import { CappedCounts } from '../edge/capped-counts.ts';
import { UserTurns } from '../reads/user-turns.ts';

/** After this time without an answer, the hasher is replaced. The time is long because the hasher has low priority. */
const ANSWER_TIMEOUT_MS = 20_000;
/**
 * A comparison with a bcrypt hash of an imported account takes longer than a comparison with an argon2id hash. Both
 * take less than this time on an idle machine, so a wrong password takes this time for every account.
 */
const MIN_REFUSAL_MS = 200;

/** Asks the hasher to hash a password. With `hash`, asks to compare the password with this hash. */
export interface HashRequest {
  id: number;
  password: string;
  hash?: string;
}

export interface HashAnswer {
  id: number;
  hash?: string;
  isRight?: boolean;
  /** True if the parameters of the hash differ from the parameters of new hashes. */
  isOld?: boolean;
  failure?: string;
}

/** A request that has no answer yet. */
interface PendingRequest {
  request: HashRequest;
  resolve: (answer: HashAnswer) => void;
  timer?: NodeJS.Timeout;
}

/**
 * Hashes passwords in a child process of low priority. If threads of the gateway process did this, they would delay
 * its sockets (docs/decisions/0004). The child has its own process session, because a Linux kernel can divide CPU
 * time between process sessions. If the child dies, the requests in progress are refused, and the next request starts
 * a new child. An address has only a few requests in this queue, and its further requests wait outside. So the logins of
 * one address do not delay all others for long.
 */
export class Passwords {
  readonly #hasherFile = fileURLToPath(new URL('hasher.ts', import.meta.url));
  #child: ChildProcess | undefined;
  #closed = false;
  #nextId = 0;
  readonly #waiting: PendingRequest[] = [];
  readonly #inProgress = new Map<number, PendingRequest>();
  /** The requests of an address take turns like the reads of a user. */
  readonly #ofAddress: UserTurns;
  readonly #ofNetwork: CappedCounts;
  readonly #impossibleHash = impossibleHash();

  /** Starts the hasher. The first requests wait until it is ready. */
  constructor({ HASHES_PER_ADDRESS: hashesPerAddress }: Config<'HASHES_PER_ADDRESS'>) {
    this.#ofAddress = new UserTurns({
      atOnce: Number.POSITIVE_INFINITY,
      ofUserAtOnce: hashesPerAddress,
      ofUserWaiting: limits.MAX_WAITING_HASHES_OF_ADDRESS,
      refusal: 'rate_limited',
    });
    this.#ofNetwork = new CappedCounts(hashesPerAddress * limits.HASHES_OF_NETWORK_FACTOR);
    this.#child = this.#startChild();
  }

  /**
   * Throws if {@link hash} and {@link verify} would refuse a request of this address at this moment.
   * @throws Refusal `rate_limited` if the address or its network has too many requests, or `busy` if too many of all wait
   */
  checkCapacity(address: string): void {
    if (this.#ofNetwork.isFull(networkOf(address))) throw new Refusal('rate_limited', { retryAfter: 1 });
    this.#ofAddress.check(address);
    this.#checkQueue();
  }

  /** @throws Refusal as {@link checkCapacity}, or `busy` if the hasher died */
  async hash(password: string, address: string): Promise<string> {
    const { hash } = await this.#request({ password }, address);
    return hash as string;
  }

  /**
   * Compares a password with a hash. Without a hash, no password is right, but the comparison takes the same time. So
   * the time of an answer does not show whether the account exists.
   * @returns `isOld`: true if the password should be hashed again
   * @throws Refusal as {@link checkCapacity}, or `busy` if the hasher died
   */
  async verify(
    hash: string | undefined,
    password: string,
    address: string,
  ): Promise<{ isRight: boolean; isOld: boolean }> {
    const start = performance.now();
    const { isRight, isOld } = await this.#request({ hash: hash ?? this.#impossibleHash, password }, address);
    if (isRight && hash !== undefined) return { isRight, isOld: isOld === true };
    await sleep(Math.max(0, start + MIN_REFUSAL_MS - performance.now()));
    return { isRight: false, isOld: false };
  }

  /** Ends the hasher. Requests that wait or come later are refused. */
  close(): void {
    this.#closed = true;
    this.#child?.disconnect();
    const failure = 'the gateway is stopping';
    for (const { request, resolve } of this.#waiting.splice(0)) resolve({ id: request.id, failure });
  }

  async #request(request: Omit<HashRequest, 'id'>, address: string): Promise<HashAnswer> {
    this.checkCapacity(address);
    const network = networkOf(address);
    this.#ofNetwork.increment(network);
    try {
      const answer = await this.#ofAddress.run(address, () => this.#queue(request));
      if (answer.failure !== undefined) throw new Refusal('busy', { cause: new Error(answer.failure) });
      return answer;
    } finally {
      this.#ofNetwork.decrement(network);
    }
  }

  #queue(request: Omit<HashRequest, 'id'>): Promise<HashAnswer> {
    this.#checkQueue();
    return new Promise((resolve) => {
      this.#waiting.push({ request: { id: this.#nextId++, ...request }, resolve });
      this.#sendWaiting();
    });
  }

  #checkQueue(): void {
    const pending = this.#waiting.length + this.#inProgress.size;
    const isFull = pending >= limits.MAX_HASHES_AT_ONCE + limits.MAX_WAITING_HASHES;
    if (isFull || this.#closed) throw new Refusal('busy');
  }

  #sendWaiting(): void {
    while (this.#inProgress.size < limits.MAX_HASHES_AT_ONCE) {
      const pending = this.#waiting.shift();
      if (!pending) return;
      this.#inProgress.set(pending.request.id, pending);
      this.#child ??= this.#startChild();
      this.#send(this.#child, pending);
    }
  }

  #send(child: ChildProcess, pending: PendingRequest): void {
    pending.timer = setTimeout(() => this.#discard(child), ANSWER_TIMEOUT_MS);
    // If a request cannot be sent, the child also emits an event, which `#startChild` handles. So the callback
    // ignores the error. A child that could not be started has no `send`.
    child.send?.(pending.request, () => undefined);
  }

  #startChild(): ChildProcess {
    const child = fork(this.#hasherFile, { detached: true });
    child.on('message', (answer: HashAnswer) => this.#complete(answer));
    for (const event of ['error', 'exit', 'disconnect'] as const) child.on(event, () => this.#discard(child));
    return child;
  }

  #complete(answer: HashAnswer): void {
    const pending = this.#inProgress.get(answer.id);
    clearTimeout(pending?.timer);
    this.#inProgress.delete(answer.id);
    pending?.resolve(answer);
    this.#sendWaiting();
  }

  /** Kills the child and refuses the requests in progress. The next request starts a new child. */
  #discard(child: ChildProcess): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    child.kill('SIGKILL');
    for (const id of [...this.#inProgress.keys()])
      this.#complete({ id, failure: 'the process that hashes passwords has ended' });
  }
}
