import exec from 'k6/execution';
import { Counter, Trend } from 'k6/metrics';
import { MemberSocket } from './member-socket.js';
import { onceForEachRoom } from './room-options.js';
import { memberCount, readNumber, roomAt, roomCount } from './settings.js';
import { summarize } from './summary.js';
import { until, wait } from './wait.js';

// Open loop: messages are sent at a rate that rises from 0 to RATE messages a second and then stays, however slow the
// server is. Each virtual user has all sockets of one room, so it can count what every member must receive.

const RATE = readNumber('RATE', 200);
const RAMP_SECONDS = readNumber('RAMP_SECONDS', 5);
const SECONDS = readNumber('SECONDS', 10);
/** Between the start and the first message. A room whose sockets open later begins later. */
const CONNECT_SECONDS = readNumber('CONNECT_SECONDS', 2);
const ACK_P99_MS = readNumber('ACK_P99_MS', 500);
const DELIVERY_P99_MS = readNumber('DELIVERY_P99_MS', 500);
const MAX_PRINTED_ERRORS = 3;
const TEXT = 'Hello World! '.repeat(8).trim();

const ackMs = new Trend('ack_ms');
const deliveryMs = new Trend('delivery_ms');
const lagMs = new Trend('send_lag_ms');
const acked = new Counter('acked_messages');
const deliveries = new Counter('deliveries');
const expectedDeliveries = new Counter('expected_deliveries');
const missingDeliveries = new Counter('missing_deliveries');
const errors = new Counter('errors');

// The beginning waits up to ten seconds for open sockets, and the end for acks and deliveries.
export const options = onceForEachRoom(CONNECT_SECONDS + RAMP_SECONDS + SECONDS + 30, {
  ack_ms: [`p(99)<${ACK_P99_MS}`],
  delivery_ms: [`p(99)<${DELIVERY_P99_MS}`],
  acked_messages: ['count>0'],
  missing_deliveries: ['count==0'],
  errors: ['count==0'],
});

/** @returns when the first message is due, in milliseconds since 1970 */
export function setup() {
  return Date.now() + CONNECT_SECONDS * 1_000;
}

/** @param {number} startAt */
export default async function chat(startAt) {
  const room = new Room(exec.vu.idInTest - 1);
  if (await room.open()) await room.sendAll(Math.max(startAt, Date.now()));
  room.close();
}

/** The members of one room, and what they sent and received. */
class Room {
  /** @type {Map<string, { dueAt: number, isAcked: boolean, deliveries: number }>} */
  #messages = new Map();
  #unfinished = 0;
  #failures = 0;

  /** @param {number} index from 0 */
  constructor(index) {
    const { id, users } = roomAt(index);
    this.id = id;
    this.index = index;
    this.members = users.map((user) => {
      return new MemberSocket(user, id, {
        received: (frame) => this.#receive(frame),
        failed: (why) => this.#fail(why),
      });
    });
  }

  /** @returns false if not every socket opens in time */
  async open() {
    if (await until(() => this.members.every(({ openedAt }) => openedAt > 0))) return true;
    this.#fail('not every socket is open in time');
    return false;
  }

  /** Sends each message when it is due, and waits for all acks and deliveries. @param {number} startAt */
  async sendAll(startAt) {
    for (let number = 0; ; number++) {
      const afterSeconds = dueAfterSeconds(number + this.index / roomCount);
      if (afterSeconds > RAMP_SECONDS + SECONDS) break;
      const dueAt = startAt + afterSeconds * 1_000;
      if (dueAt > Date.now()) await wait(dueAt - Date.now());
      this.#send(/** @type {MemberSocket} */ (this.members[number % memberCount]), dueAt);
    }
    await until(() => this.#unfinished === 0);
    this.#count();
  }

  close() {
    for (const member of this.members) member.close();
  }

  /** @param {MemberSocket} member @param {number} dueAt */
  #send(member, dueAt) {
    const ref = crypto.randomUUID();
    this.#messages.set(ref, { dueAt, isAcked: false, deliveries: 0 });
    this.#unfinished++;
    lagMs.add(Math.max(0, Date.now() - dueAt));
    member.send(TEXT, ref);
  }

  /** @param {import('./member-socket.js').Frame} frame */
  #receive({ command, ref }) {
    const message = this.#messages.get(ref);
    if (!message) return;
    if (command === 'Ack') {
      message.isAcked = true;
      acked.add(1);
      ackMs.add(Date.now() - message.dueAt);
    } else {
      message.deliveries++;
      deliveries.add(1);
      deliveryMs.add(Date.now() - message.dueAt);
    }
    if (message.isAcked && message.deliveries === memberCount) this.#unfinished--;
  }

  #count() {
    const all = [...this.#messages.values()];
    const committed = all.filter(({ isAcked }) => isAcked).length;
    const received = all.reduce((sum, message) => sum + message.deliveries, 0);
    expectedDeliveries.add(committed * memberCount);
    missingDeliveries.add(Math.abs(committed * memberCount - received));
    if (committed < all.length) this.#fail(`${all.length - committed} of ${all.length} messages were not acked`);
  }

  /** @param {string} reason */
  #fail(reason) {
    if (this.#failures++ < MAX_PRINTED_ERRORS) console.error(`room ${this.id}: ${reason}`);
    errors.add(1);
  }
}

/** Each room sends its share of RATE. @returns {number} when the message with this number of a room is due */
function dueAfterSeconds(/** @type {number} */ number) {
  const ratePerRoom = RATE / roomCount;
  const sentInRamp = (ratePerRoom * RAMP_SECONDS) / 2;
  if (number < sentInRamp) return Math.sqrt((2 * number * RAMP_SECONDS) / ratePerRoom);
  return RAMP_SECONDS / 2 + number / ratePerRoom;
}

/** @param {import('./summary.js').SummaryData} data */
export function handleSummary(data) {
  const load = `0 to ${RATE} messages/s in ${RAMP_SECONDS} s, then ${SECONDS} s`;
  return summarize(`chat: ${roomCount} rooms with ${memberCount} members, ${load}`, data, [
    ['acked messages', 'acked_messages'],
    ['deliveries', 'deliveries', 'each acked message to each member'],
    ['expected deliveries', 'expected_deliveries'],
    ['missing deliveries', 'missing_deliveries'],
    ['send to ack', 'ack_ms'],
    ['send to delivery', 'delivery_ms'],
    ['sent too late by', 'send_lag_ms', 'if this is large, k6 is the bottleneck'],
    ['errors', 'errors'],
  ]);
}
