import type { Change, State } from '../../../shared/contract/people-news.ts';
import type { LiveSocket } from '../attached-user.ts';
import { Typists } from './typists.ts';

/** What is known of the members who are online on another gateway. */
interface RemoteMembers {
  number: number;
  users: Set<string>;
}

/**
 * The members of one room who are online. A gateway tracks a room while one of its sockets watches the room, or while
 * another gateway follows it. `shown` is what the watching sockets know: each frame to them is a change of `shown`.
 */
export class TrackedRoom {
  readonly id: string;
  /** False until the members on this gateway are found. */
  isRead = false;
  /** True while the members on other gateways are known too. */
  isFollowed = false;
  readonly watchers = new Set<LiveSocket>();
  /** When the last watcher left. */
  unwatchedAt = Number.NEGATIVE_INFINITY;
  /** The members with a socket on this gateway. */
  readonly local = new Set<string>();
  readonly remote = new Map<string, RemoteMembers>();
  shown = new Set<string>();
  /** The gateways that want the changes of this room, and until when. */
  readonly followers = new Map<string, number>();
  /** The number of the last change that was published to the followers. */
  publishedNumber: number;
  readonly typists = new Typists();
  /** Users whose change may not be shown yet, and when they changed. */
  readonly #changed = new Map<string, number>();
  readonly #unpublished = new Set<string>();

  constructor(id: string, publishedNumber: number) {
    this.id = id;
    this.publishedNumber = publishedNumber;
  }

  enter(userId: string): void {
    if (this.local.has(userId)) return;
    this.local.add(userId);
    this.#noteLocal(userId);
  }

  leave(userId: string): void {
    if (this.local.delete(userId)) this.#noteLocal(userId);
  }

  #noteLocal(userId: string): void {
    this.#note(userId);
    this.#unpublished.add(userId);
  }

  #note(userId: string): void {
    if (this.watchers.size > 0) this.#changed.set(userId, performance.now());
  }

  /** The sockets that watch from now on know this. Call it when the room is read and gets its first watcher. */
  showAll(): void {
    this.shown = new Set(this.local);
    for (const { users } of this.remote.values()) for (const userId of users) this.shown.add(userId);
    this.#changed.clear();
  }

  /**
   * Brings `shown` up to date. A user who went stays in it for `graceMs`: after a reload of the page, or on another
   * gateway, the user is back by then.
   */
  takeShownChange(graceMs: number): { came: string[]; went: string[] } {
    const change: { came: string[]; went: string[] } = { came: [], went: [] };
    const gone = performance.now() - graceMs;
    for (const [userId, changedAt] of this.#changed) {
      const isOnline = this.#isOnline(userId);
      if (!isOnline && this.shown.has(userId) && changedAt > gone) continue;
      this.#changed.delete(userId);
      if (isOnline === this.shown.has(userId)) continue;
      if (isOnline) this.shown.add(userId);
      else this.shown.delete(userId);
      change[isOnline ? 'came' : 'went'].push(userId);
    }
    return change;
  }

  /** The current state of each user who changed since the last call. Applying it twice changes nothing. */
  takeUnpublished(): Pick<Change, 'came' | 'went'> | undefined {
    if (this.#unpublished.size === 0) return undefined;
    const users = [...this.#unpublished];
    this.#unpublished.clear();
    return { came: users.filter((id) => this.local.has(id)), went: users.filter((id) => !this.local.has(id)) };
  }

  /** @returns false if a change before this one was missed */
  applyRemote(gatewayId: string, { after, number, came, went }: Change): boolean {
    const members = this.remote.get(gatewayId);
    if (!members) return false;
    if (number <= members.number) return true;
    if (members.number !== after) return false;
    members.number = number;
    for (const userId of came) members.users.add(userId);
    for (const userId of went) members.users.delete(userId);
    for (const userId of [...came, ...went]) this.#note(userId);
    return true;
  }

  replaceRemote(gatewayId: string, { number, users }: Omit<State, 'roomId'>): void {
    const before = this.remote.get(gatewayId)?.users ?? [];
    const now = new Set(users);
    this.remote.set(gatewayId, { number, users: now });
    for (const userId of before) if (!now.has(userId)) this.#note(userId);
    for (const userId of now) this.#note(userId);
  }

  dropRemote(gatewayId: string): void {
    const members = this.remote.get(gatewayId);
    this.remote.delete(gatewayId);
    for (const userId of members?.users ?? []) this.#note(userId);
  }

  /** Forgets what is only for the sockets that watched. */
  unfollow(): void {
    this.isFollowed = false;
    this.remote.clear();
    this.shown = new Set();
    this.#changed.clear();
  }

  /** Ends the wishes of the gateways that have not repeated them. @returns true if a gateway still follows the room */
  hasFollowers(): boolean {
    const now = performance.now();
    for (const [gatewayId, expiresAt] of this.followers) if (expiresAt < now) this.followers.delete(gatewayId);
    return this.followers.size > 0;
  }

  #isOnline(userId: string): boolean {
    if (this.local.has(userId)) return true;
    for (const { users } of this.remote.values()) if (users.has(userId)) return true;
    return false;
  }
}
