import exec from 'k6/execution';
import http from 'k6/http';
import { Counter, Trend } from 'k6/metrics';
import { MemberSocket } from './member-socket.js';
import { onceForEachRoom } from './room-options.js';
import { authorization, memberCount, readNumber, roomAt, roomCount, url } from './settings.js';
import { summarize } from './summary.js';
import { until, wait } from './wait.js';

// In each round, all members except one writer of each room lose their sockets, the writers write, and all members
// reconnect at the same moment. Each of them reads what they missed, and then receives a new message on the socket.

const SECONDS = readNumber('SECONDS', 10);
/** Must be longer than a reconnection of all sockets takes. Otherwise a round begins late. */
const ROUND_SECONDS = readNumber('ROUND_SECONDS', 2);
const RECONNECT_P99_MS = readNumber('RECONNECT_P99_MS', 1_000);
const CATCH_UP_P99_MS = readNumber('CATCH_UP_P99_MS', 1_000);
/** How many messages each writer writes while the others are not connected. A history page has up to 100 messages. */
const MISSED_MESSAGES = 5;

const reconnectMs = new Trend('reconnect_ms');
const catchUpMs = new Trend('catch_up_ms');
const lateMs = new Trend('round_late_ms');
const reconnections = new Counter('reconnections');
const caughtUp = new Counter('caught_up_messages');
const missing = new Counter('missing_messages');
const errors = new Counter('errors');

export const options = onceForEachRoom(SECONDS + ROUND_SECONDS + 30, {
  reconnect_ms: [`p(99)<${RECONNECT_P99_MS}`],
  catch_up_ms: [`p(99)<${CATCH_UP_P99_MS}`],
  reconnections: ['count>0'],
  missing_messages: ['count==0'],
  errors: ['count==0'],
});

/** @returns when the first round begins, in milliseconds since 1970 */
export function setup() {
  return Date.now() + ROUND_SECONDS * 1_000;
}

/** @param {number} startAt */
export default async function reconnect(startAt) {
  const room = new Room(roomAt(exec.vu.idInTest - 1));
  try {
    await room.connect();
    for (let roundAt = startAt; roundAt < startAt + SECONDS * 1_000; roundAt += ROUND_SECONDS * 1_000) {
      await wait(Math.max(0, roundAt - Date.now()));
      lateMs.add(Date.now() - roundAt);
      await room.playRound();
    }
    errors.add(0);
    missing.add(0);
  } catch (error) {
    console.error(`room ${room.id}: ${error}`);
    errors.add(1);
  } finally {
    room.close();
  }
}

class Room {
  /** The first member is the writer. @type {MemberSocket[]} */
  #sockets = [];
  #acks = 0;
  /** @type {string | undefined} */
  #failure;

  /** @param {import('./settings.js').LoadRoom} room */
  constructor({ id, users }) {
    this.id = id;
    this.users = users;
  }

  async connect() {
    this.#sockets = this.users.map((user) => this.#open(user));
    await this.#until(() => this.#sockets.every(({ openedAt }) => openedAt > 0));
  }

  async playRound() {
    const readers = this.#sockets.slice(1);
    for (const reader of readers) reader.close();
    await this.#write(MISSED_MESSAGES);
    await Promise.all(readers.map((reader, index) => this.#reconnect(index + 1, reader.lastSeq)));
    await this.#write(1);
    await this.#until(() => this.#sockets.every(({ lastSeq }) => lastSeq === this.#sockets[0]?.lastSeq));
  }

  close() {
    for (const socket of this.#sockets) socket.close();
  }

  /** @param {{ token: string }} user */
  #open(user) {
    return new MemberSocket(user, this.id, {
      received: ({ command }) => {
        if (command === 'Ack') this.#acks++;
      },
      failed: (reason) => {
        this.#failure ??= reason;
      },
    });
  }

  /** Resolves when the messages are acked and the writer has received them. @param {number} count */
  async #write(count) {
    const [writer] = /** @type {[MemberSocket]} */ (this.#sockets);
    const [acks, seq] = [this.#acks + count, writer.lastSeq + count];
    for (let number = 1; number <= count; number++) writer.send('Hello World!', crypto.randomUUID());
    await this.#until(() => this.#acks === acks && writer.lastSeq === seq);
  }

  /** @param {number} index the place of the member @param {number} lastSeq what the member received last */
  async #reconnect(index, lastSeq) {
    const user = /** @type {{ token: string }} */ (this.users[index]);
    const startedAt = Date.now();
    const socket = this.#open(user);
    this.#sockets[index] = socket;
    await this.#until(() => socket.openedAt > 0);
    reconnectMs.add(socket.openedAt - startedAt);
    reconnections.add(1);
    const head = socket.lastSeq;
    const path = `/api/messages/${this.id}?after=${lastSeq}&size=100`;
    const answer = await http.asyncRequest('GET', url + path, null, { headers: authorization(user) });
    catchUpMs.add(Date.now() - startedAt);
    const seqs = new Set(/** @type {any[]} */ (answer.json()).map(({ seq }) => seq));
    for (let seq = lastSeq + 1; seq <= head; seq++) (seqs.has(seq) ? caughtUp : missing).add(1);
  }

  /** @param {() => boolean} condition */
  async #until(condition) {
    await until(() => this.#failure !== undefined || condition());
    if (this.#failure || !condition()) throw new Error(this.#failure ?? `not in time: ${condition}`);
  }
}

/** @param {import('./summary.js').SummaryData} data */
export function handleSummary(data) {
  const people = `${roomCount} rooms with ${memberCount} members`;
  return summarize(`reconnect: ${people}, all reconnect every ${ROUND_SECONDS} s`, data, [
    ['reconnections', 'reconnections'],
    ['connect to Welcome', 'reconnect_ms'],
    ['connect to caught up', 'catch_up_ms', 'the missed messages are read over HTTP'],
    ['caught-up messages', 'caught_up_messages'],
    ['missing messages', 'missing_messages'],
    ['rounds began late by', 'round_late_ms', 'if this is large, increase ROUND_SECONDS'],
    ['errors', 'errors'],
  ]);
}
