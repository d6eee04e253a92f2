import type { Answer, Method } from '../../../shared/client/http.ts';
import type { Person } from '../../../shared/client/protocol.ts';
import { State } from '../ui/state.ts';

/** What the page knows of a user. */
export type DirectoryUser = Pick<Person, 'id' | 'firstName' | 'lastName'> & Partial<Person>;

type Request = <T>(method: Method, path: string) => Promise<Answer<T>>;

/** Requests at the same time. The gateway lets further requests of one user wait. */
const MAX_REQUESTS = 2;

/** The users whose names the page shows. Loads each unknown user once. */
export class Directory {
  readonly #request: Request;
  readonly #users = new Map<string, DirectoryUser>();
  /** Users who are loaded now, or who could not be loaded. */
  readonly #asked = new Set<string>();
  readonly #added = new WeakSet<object>();
  readonly #waiting: string[] = [];
  readonly #state = new State<ReadonlyMap<string, DirectoryUser>>(new Map());
  #running = 0;

  constructor(request: Request) {
    this.#request = request;
  }

  readonly getSnapshot = () => this.#state.getSnapshot();
  readonly subscribe = (listener: () => void) => this.#state.subscribe(listener);

  /** @returns the full name. It is empty until the user is known */
  nameOf(userId: string): string {
    const user = this.userOf(userId);
    return user ? `${user.firstName} ${user.lastName}`.trim() : '';
  }

  /** @returns the user, or undefined while they are loaded */
  userOf(userId: string): DirectoryUser | undefined {
    const user = this.#users.get(userId);
    if (!user) this.#load(userId);
    return user;
  }

  /** Adds the users of an answer. The same objects again change nothing: a room gives its members after each message. */
  add(users: Iterable<Partial<Person> & { id: string }>): void {
    const added = [...users].filter((user) => !this.#added.has(user)).filter(hasName);
    if (added.length === 0) return;
    for (const user of added) {
      this.#added.add(user);
      this.#users.set(user.id, { ...this.#users.get(user.id), ...user });
    }
    this.#state.set(new Map(this.#users));
  }

  /** Reads a user again, because their record has changed. */
  async reload(userId: string): Promise<DirectoryUser> {
    const { body } = await this.#request<DirectoryUser>('GET', `/api/users/${userId}`);
    this.add([body]);
    return body;
  }

  #load(userId: string): void {
    if (this.#asked.has(userId)) return;
    this.#asked.add(userId);
    this.#waiting.push(userId);
    void this.#loadNext();
  }

  async #loadNext(): Promise<void> {
    if (this.#running >= MAX_REQUESTS) return;
    const userId = this.#waiting.shift();
    if (!userId) return;
    this.#running++;
    // Without a name, the page shows a text for an unknown user. The next message of this user asks again.
    await this.reload(userId).catch(() => setTimeout(() => this.#asked.delete(userId), 5_000));
    this.#running--;
    void this.#loadNext();
  }
}

function hasName(user: Partial<Person> & { id: string }): user is DirectoryUser {
  return user.firstName !== undefined && user.lastName !== undefined;
}
