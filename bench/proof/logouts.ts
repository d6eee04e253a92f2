import { setTimeout as wait } from 'node:timers/promises';
import { importTokenKey, signToken } from '../../shared/access-tokens.ts';
import type { Account } from '../accounts.ts';
import type { ChatUser } from './chat-user.ts';
import type { Recorder } from './recorder.ts';

const TRY_AGAIN_AFTER_MS = 300;
const ANSWER_TIMEOUT_MS = 17_000;
const TOKEN_HOURS = 12;
/** A `logout-all` whose answer was lost can have been applied twice. */
const MAX_VERSIONS_AHEAD = 4;

export interface LogoutOptions {
  recorder: Recorder;
  urls: string[];
  /** `API_SECRET` of the gateways. */
  secret: string;
  isStopped: () => boolean;
}

/** Ends tokens of participants, and gives each of them a new one. */
export class Logouts {
  readonly #options: LogoutOptions;
  readonly #leaving = new Set<ChatUser>();
  /** The `token_version` of each user. */
  readonly #versions = new Map<string, number>();

  constructor(options: LogoutOptions) {
    this.#options = options;
  }

  /** @param route ends the token of the participant, or all tokens @param firstUrl the place of the first gateway to ask */
  async logOut(participant: ChatUser, route: 'logout' | 'logout-all', firstUrl: number): Promise<void> {
    if (this.#leaving.has(participant)) return;
    this.#leaving.add(participant);
    const { account } = participant;
    await this.#askEach(firstUrl, async (url) => {
      const status = await ask(`POST ${url}/api/users/${route}`, account.token);
      // 401: an earlier attempt ended the token, and its answer was lost.
      return status === 200 || status === 401;
    });
    this.#options.recorder.record({ kind: 'revoked', connection: participant.connection });
    await this.#giveToken(account, firstUrl, route === 'logout' ? 0 : 1);
    this.#leaving.delete(participant);
  }

  /** A login hashes a password, which takes too long for a few logins a second. So the token is made here. */
  async #giveToken(account: Account, firstUrl: number, versionsAhead: number): Promise<void> {
    const key = importTokenKey(this.#options.secret);
    const known = this.#versions.get(account.id) ?? 0;
    let ahead = versionsAhead;
    await this.#askEach(firstUrl, async (url) => {
      const version = known + ahead;
      const token = await signToken(key, { userId: account.id, version, hours: TOKEN_HOURS });
      const status = await ask(`GET ${url}/api/users/current`, token);
      if (status === 401) ahead = (ahead + 1) % MAX_VERSIONS_AHEAD;
      if (status !== 200) return false;
      account.token = token;
      this.#versions.set(account.id, version);
      return true;
    });
  }

  /** Asks the gateways in turn until `work` returns true. */
  async #askEach(firstUrl: number, work: (url: string) => Promise<boolean>): Promise<void> {
    const { urls, isStopped } = this.#options;
    for (let place = firstUrl; !isStopped(); place++) {
      if (await work(urls[place % urls.length] as string)) return;
      await wait(TRY_AGAIN_AFTER_MS);
    }
  }
}

/** @returns the status of the answer, or undefined without an answer */
async function ask(route: string, token: string): Promise<number | undefined> {
  const [method, url] = route.split(' ') as [string, string];
  try {
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    const answer = await fetch(url, { method, headers: { authorization: `Bearer ${token}` }, signal });
    await answer.body?.cancel();
    return answer.status;
  } catch {
    return undefined;
  }
}
