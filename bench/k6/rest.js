import { check } from 'k6';
import http from 'k6/http';
import { authorization, memberCount, readNumber, roomAt, roomCount, url } from './settings.js';
import { summarize, TREND_STATS } from './summary.js';

// Visits over HTTP, started at a rate that rises from 0 to RATE a second and then stays (open loop). A visit reads the
// user and the rooms, writes a message, and finds it in the history. A visit has five requests.

const RATE = readNumber('RATE', 50);
const RAMP_SECONDS = readNumber('RAMP_SECONDS', 5);
const SECONDS = readNumber('SECONDS', 10);
const READ_P99_MS = readNumber('READ_P99_MS', 500);
const WRITE_P99_MS = readNumber('WRITE_P99_MS', 1_000);
const REQUESTS = ['current user', 'rooms', 'write', 'write again', 'history'];

export const options = {
  scenarios: {
    visits: {
      executor: 'ramping-arrival-rate',
      startRate: 0,
      timeUnit: '1s',
      // Enough for visits of five seconds.
      preAllocatedVUs: Math.ceil(RATE * 5),
      stages: [
        { target: RATE, duration: `${RAMP_SECONDS}s` },
        { target: RATE, duration: `${SECONDS}s` },
      ],
    },
  },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    dropped_iterations: ['count==0'],
    ...Object.fromEntries(
      REQUESTS.map((name) => {
        const limit = name.startsWith('write') ? WRITE_P99_MS : READ_P99_MS;
        return [`http_req_duration{name:${name}}`, [`p(99)<${limit}`]];
      }),
    ),
  },
  summaryTrendStats: TREND_STATS,
};

export default function visit() {
  const room = roomAt(Math.floor(Math.random() * roomCount));
  const user = /** @type {{ id: string, token: string }} */ (room.users[Math.floor(Math.random() * memberCount)]);
  const headers = {
    ...authorization(user),
    'Content-Type': 'application/json',
    'Idempotency-Key': crypto.randomUUID(),
  };
  /** @param {string} name @param {string} path */
  const get = (name, path) => http.get(url + path, { headers: authorization(user), tags: { name } });
  /** @param {string} name */
  const write = (name) =>
    http.post(`${url}/api/messages/${room.id}`, JSON.stringify({ text: 'Hello World!' }), { headers, tags: { name } });

  check(get('current user', '/api/users/current'), {
    'the token belongs to the user': isJson(({ id }) => id === user.id),
  });
  check(get('rooms', '/api/rooms'), {
    'the list has the room of the user': isJson((rooms) => rooms.some((/** @type {any} */ { id }) => id === room.id)),
  });
  const written = write('write');
  check(written, { 'a message is stored': ({ status }) => status === 201 });
  if (written.status !== 201) return;
  const { id, seq } = /** @type {{ id: string, seq: number }} */ (/** @type {unknown} */ (written.json()));
  check(write('write again'), { 'the same request again has one effect': isJson((message) => message.id === id) });
  check(get('history', `/api/messages/${room.id}?after=${seq - 1}&size=1`), {
    'the history has the message': isJson(([message]) => message?.id === id),
  });
}

/** Makes a check that also fails if the answer is not JSON. @param {(body: any) => boolean} isRight */
function isJson(isRight) {
  return (/** @type {import('k6/http').RefinedResponse<any>} */ answer) =>
    answer.status < 300 && isRight(answer.json());
}

/** @param {import('./summary.js').SummaryData} data */
export function handleSummary(data) {
  return summarize(`rest: 0 to ${RATE} visits/s in ${RAMP_SECONDS} s, then ${SECONDS} s`, data, [
    ['visits', 'iterations'],
    ['visits that were not started', 'dropped_iterations', 'if there are some, k6 had too few virtual users'],
    ['requests', 'http_reqs'],
    ['failed requests', 'http_req_failed'],
    ['right answers', 'checks'],
    ...REQUESTS.map((name) => /** @type {[string, string]} */ ([name, `http_req_duration{name:${name}}`])),
  ]);
}
