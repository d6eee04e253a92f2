import { setTimeout as wait } from 'node:timers/promises';
import type { Database } from '../../shared/database.ts';
import type { Account } from '../accounts.ts';
import { createRooms, type Target } from '../fixture.ts';
import type { ChatUser } from './chat-user.ts';
import { sendOverHttp } from './http-sender.ts';
import { LibraryUser } from './library-user.ts';
import { Logouts } from './logouts.ts';
import { Participant, type ParticipantOptions } from './participant.ts';
import { Recorder } from './recorder.ts';
import type { Random } from './seeded-random.ts';
import { tryAgain } from './try-again.ts';

const TICK_MS = 10;
const SILENCE_CHECK_MS = 1_000;
const POLL_MS = 100;
const MAX_OWN_MESSAGES = 20;
/** A group adds a member again when more than this number are removed. Else most commands would be refused. */
const MAX_REMOVED = 1;
const ONE_LOGOUT_IN = 100;

/** The clients of the users, in turn. With two gateways, each kind of client begins at both. */
const CLIENTS: ((options: Omit<ParticipantOptions, 'resumes'>) => ChatUser)[] = [
  (options) => new Participant({ ...options, resumes: false }),
  (options) => new Participant({ ...options, resumes: true }),
  (options) => new LibraryUser(options),
];

export interface TrafficSize {
  rooms: number;
  /** How many members each room has. All members of a group are in the same rooms. */
  roomSize: number;
  participants: number;
  /** Commands a second. */
  rate: number;
  /** True if users log out in between. Default: true. */
  hasLogouts?: boolean;
}

interface TrafficTarget extends Target {
  urls: string[];
}

/** A group of users who are in the same rooms. The first one owns the rooms. */
interface Group {
  participants: ChatUser[];
  roomIds: string[];
  /** The removals whose members are not added again yet. The oldest is first. */
  removals: { roomId: string; targetId: string }[];
}

/** Users who write, edit, delete, log out, add and remove each other, over sockets and over HTTP, at a constant rate. */
export class Traffic {
  readonly recorder: Recorder;
  readonly participants: ChatUser[];
  readonly #groups: Group[];
  readonly #urls: string[];
  readonly #random: Random;
  readonly #size: TrafficSize;
  /** Unanswered requests. */
  readonly #http = new Set<Promise<void>>();
  readonly #logouts: Logouts;
  #texts = 0;
  #isSending = true;
  #isStopped = false;

  private constructor(
    recorder: Recorder,
    groups: Group[],
    { urls, secret }: TrafficTarget,
    size: TrafficSize,
    random: Random,
  ) {
    this.recorder = recorder;
    this.participants = groups.flatMap(({ participants }) => participants);
    this.#groups = groups;
    this.#urls = urls;
    this.#size = size;
    this.#random = random;
    this.#logouts = new Logouts({ recorder, urls, secret, isStopped: () => this.#isStopped });
  }

  /** Creates accounts and rooms, and connects everyone. Half of them begin at each gateway. */
  static async prepare(target: TrafficTarget, size: TrafficSize, random: Random): Promise<Traffic> {
    const { rooms, roomSize, participants } = size;
    const { accounts, roomIds } = await tryAgain(() => createRooms(target, { members: participants, rooms, roomSize }));
    const recorder = new Recorder(roomIds.map((id) => ({ id, initialSeq: roomSize })));
    const count = participants / roomSize;
    const groups = Array.from({ length: count }, (_, group) => ({
      accounts: accounts.filter((_, index) => index % count === group),
      roomIds: roomIds.filter((_, index) => index % count === group),
    }));
    return Traffic.#connect(recorder, groups, target, size, random);
  }

  /** Stops, and goes on with the same users and rooms, and a new record that begins with what Postgres has now. */
  async goOn(target: TrafficTarget, random: Random): Promise<Traffic> {
    this.stop();
    const rooms = await this.recorder.readRooms(target.database);
    const groups = this.#groups.map(({ participants, roomIds }) => ({
      accounts: participants.map(({ account }) => account),
      roomIds,
    }));
    return Traffic.#connect(new Recorder(rooms), groups, target, this.#size, random);
  }

  static async #connect(
    recorder: Recorder,
    groups: { accounts: Account[]; roomIds: string[] }[],
    target: TrafficTarget,
    size: TrafficSize,
    random: Random,
  ): Promise<Traffic> {
    const { urls } = target;
    const connect = (account: Account, firstUrl: number): ChatUser => {
      const newClient = CLIENTS[firstUrl % CLIENTS.length] as (typeof CLIENTS)[number];
      return newClient({ account, recorder, urls, firstUrl });
    };
    const connected = groups.map(
      ({ accounts, roomIds }): Group => ({
        participants: accounts.map(connect),
        roomIds,
        removals: [],
      }),
    );
    const traffic = new Traffic(recorder, connected, target, size, random);
    while (!traffic.participants.every(({ isAttached }) => isAttached)) await wait(POLL_MS);
    return traffic;
  }

  /** Sends at the rate until {@link stopSending}. Participants without a socket send nothing at that moment. */
  async send(): Promise<void> {
    const startedAt = performance.now();
    let lastCheck = startedAt;
    for (let sent = 0; this.#isSending; await wait(TICK_MS)) {
      const now = performance.now();
      const due = Math.floor(((now - startedAt) / 1_000) * this.#size.rate);
      for (; sent < due; sent++) this.#sendOne();
      if (now - lastCheck < SILENCE_CHECK_MS) continue;
      lastCheck = now;
      for (const participant of this.participants) participant.sendSilentAgain();
    }
  }

  stopSending(): void {
    this.#isSending = false;
  }

  /** Waits until each command has its outcome and each member has each message. @returns false after the timeout */
  async settle(database: Database, timeoutMs: number): Promise<boolean> {
    const endsAt = performance.now() + timeoutMs;
    while (performance.now() < endsAt) {
      for (const participant of this.participants) participant.sendSilentAgain();
      const isOpen = this.#http.size > 0 || this.participants.some(({ openCommands }) => openCommands > 0);
      if (!isOpen && (await this.#hasEverything(database))) return true;
      await wait(POLL_MS);
    }
    return false;
  }

  stop(): void {
    this.#isStopped = true;
    for (const participant of this.participants) participant.stop();
  }

  async #hasEverything(database: Database): Promise<boolean> {
    if (!this.participants.every(({ isLive }) => isLive)) return false;
    const { rows, memberships } = await this.recorder.readHistory(database);
    const heads = Map.groupBy(rows, ({ roomId }) => roomId);
    const byId = new Map(this.participants.map((participant) => [participant.account.id, participant]));
    return memberships.every(({ roomId, userId }) => {
      const participant = byId.get(userId);
      return !participant || participant.has(roomId, heads.get(roomId)?.length ?? 0);
    });
  }

  #sendOne(): void {
    const { hasLogouts = true } = this.#size;
    if (hasLogouts && this.#random(ONE_LOGOUT_IN) === 0) this.#logOut(this.#pick(this.participants));
    const group = this.#pick(this.#groups);
    const participant = this.#pick(group.participants);
    const kind = this.#random(100);
    const text = `text ${++this.#texts}`;
    if (kind < 4) this.#sendOverHttp(participant.account, this.#pick(group.roomIds), text);
    else if (!participant.isAttached) return;
    else if (kind < 6) this.#write(participant, this.#pick(this.#pick(this.#groups).roomIds), text);
    else if (kind < 8) this.#changeMembers(group);
    else if (kind < 11) this.#changeMessage(participant, kind === 10 ? '' : text);
    else this.#write(participant, this.#pick(group.roomIds), text);
  }

  #write(participant: ChatUser, roomId: string, text: string): void {
    participant.send({ command: 'CreateMessage', roomId, targetId: roomId, text });
  }

  /** The owner adds or removes a user of any group. */
  #changeMembers({ participants, roomIds, removals }: Group): void {
    const [owner, roomId] = [participants[0] as ChatUser, this.#pick(roomIds)];
    if (!owner.isAttached) return;
    if (removals.length > MAX_REMOVED) {
      owner.send({ command: 'AddUser', text: '', ...(removals.shift() as Group['removals'][number]) });
      return;
    }
    const isRemoval = this.#random(3) === 0;
    const { account } = this.#pick(isRemoval || this.#random(2) === 0 ? participants : this.participants);
    if (isRemoval && account === owner.account) return;
    const change = { roomId, targetId: account.id };
    if (isRemoval) removals.push(change);
    owner.send({ command: isRemoval ? 'RemoveUser' : 'AddUser', text: '', ...change });
  }

  /** @param text without a text, the message is deleted */
  #changeMessage(participant: ChatUser, text: string): void {
    participant.ownMessages.splice(0, participant.ownMessages.length - MAX_OWN_MESSAGES);
    const message = participant.ownMessages[this.#random(MAX_OWN_MESSAGES)];
    if (!message) return;
    const { id: targetId, roomId } = message;
    participant.send({ command: text ? 'UpdateMessage' : 'DeleteMessage', roomId, targetId, text });
  }

  #sendOverHttp(account: Account, roomId: string, text: string): void {
    this.#keep(sendOverHttp(this.recorder, this.#urls, account, { roomId, text }, () => this.#isStopped));
  }

  #logOut(participant: ChatUser): void {
    const route = this.#random(2) === 0 ? 'logout' : 'logout-all';
    this.#keep(this.#logouts.logOut(participant, route, this.#random(this.#urls.length)));
  }

  #keep(request: Promise<void>): void {
    this.#http.add(request);
    void request.finally(() => this.#http.delete(request));
  }

  #pick<T>(list: T[]): T {
    return list[this.#random(list.length)] as T;
  }
}
