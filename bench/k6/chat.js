import exec from 'k6/execution';
import { Counter, Trend } from 'k6/metrics';
import { MemberSocket } from './member-socket.js';
import { memberCount, readNumber, roomAt, roomCount } from './settings.js';
import { summarize, TREND_STATS } from './summary.js';

// Open loop: messages are sent at a rate that rises from 0 to RATE messages a second and then stays, however slow the
// server is. Each virtual user has all sockets of one room, so it can count what every member must receive.

const RATE = readNumber('RATE', 200);
const RAMP_SECONDS = readNumber('RAMP_SECONDS', 5);
const SECONDS = readNumber('SECONDS', 10);
/** Between the start and the first message, so that all sockets are open by then. */
const CONNECT_SECONDS = readNumber('CONNECT_SECONDS', 2);
const ACK_P99_MS = readNumber('ACK_P99_MS', 500);
const DELIVERY_P99_MS = readNumber('DELIVERY_P99_MS', 500);
/** How long the end waits for acks and deliveries. */
const DRAIN_MS = 10_000;
const POLL_MS = 100;
const TEXT = 'Hello World! '.repeat(8).trim();

const ackMs = new Trend('ack_ms');
const deliveryMs = new Trend('delivery_ms');
const lagMs = new Trend('send_lag_ms');
const acked = new Counter('acked_messages');
const deliveries = new Counter('deliveries');
const expectedDeliveries = new Counter('expected_deliveries');
const missingDeliveries = new Counter('missing_deliveries');
const errors = new Counter('errors');

export const options = {
  scenarios: {
    rooms: {
      executor: 'per-vu-iterations',
      vus: roomCount,
      iterations: 1,
      maxDuration: `${Math.ceil(CONNECT_SECONDS + RAMP_SECONDS + SECONDS + DRAIN_MS / 1_000 + 10)}s`,
    },
  },
  thresholds: {
    ack_ms: [`p(99)<${ACK_P99_MS}`],
    delivery_ms: [`p(99)<${DELIVERY_P99_MS}`],
    acked_messages: ['count>0'],
    missing_deliveries: ['count==0'],
    errors: ['count==0'],
  },
  summaryTrendStats: TREND_STATS,
};

/** @returns when the first message is due, in milliseconds since 1970 */
export function setup() {
  return Date.now() + CONNECT_SECONDS * 1_000;
}

/** @param {number} startAt */
export default function chat(startAt) {
  const index = exec.vu.idInTest - 1;
  const room = roomAt(index);
  /** The messages of this room by their ref. @type {Map<string, { dueAt: number, isAcked: boolean, deliveries: number }>} */
  const messages = new Map();
  let unfinished = 0;
  /** @param {string} reason */
  const fail = (reason) => {
    console.error(`room ${room.id}: ${reason}`);
    errors.add(1, { reason });
  };
  const members = room.users.map((user) => new MemberSocket(user, room.id, { received: receive, failed: fail }));
  sendNext(0);

  /** Sends message `number` of this room when it is due, and then the next one. @param {number} number */
  function sendNext(number) {
    const afterSeconds = dueAfterSeconds(number + index / roomCount);
    if (afterSeconds > RAMP_SECONDS + SECONDS) return void waitForRest(Date.now() + DRAIN_MS);
    const dueAt = startAt + afterSeconds * 1_000;
    setTimeout(
      () => {
        const ref = crypto.randomUUID();
        messages.set(ref, { dueAt, isAcked: false, deliveries: 0 });
        unfinished++;
        lagMs.add(Math.max(0, Date.now() - dueAt));
        members[number % memberCount]?.send(TEXT, ref);
        sendNext(number + 1);
      },
      Math.max(0, dueAt - Date.now()),
    );
  }

  /** @param {import('./member-socket.js').Frame} frame */
  function receive({ command, ref }) {
    const message = messages.get(ref);
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
    if (message.isAcked && message.deliveries === memberCount) unfinished--;
  }

  /** @param {number} deadline */
  function waitForRest(deadline) {
    if (unfinished > 0 && Date.now() < deadline) return void setTimeout(() => waitForRest(deadline), POLL_MS);
    const all = [...messages.values()];
    const committed = all.filter(({ isAcked }) => isAcked).length;
    const received = all.reduce((sum, message) => sum + message.deliveries, 0);
    expectedDeliveries.add(committed * memberCount);
    missingDeliveries.add(Math.abs(committed * memberCount - received));
    if (committed < all.length) fail(`${all.length - committed} of ${all.length} messages were not acked`);
    for (const member of members) member.close();
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
