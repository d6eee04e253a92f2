import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { AttachedUser, type LiveSocket } from '../attached-user.ts';
import type { Feeds } from '../feeds/feeds.ts';
import { HeadReports } from './head-reports.ts';

beforeEach(() => mock.timers.enable({ apis: ['setInterval'] }));
afterEach(() => mock.timers.reset());

const feeds = { progressOf: (roomId: string) => ({ startSeq: 0, deliveredSeq: Number(roomId) }) } as unknown as Feeds;

/** Makes a socket of a user with rooms. The head of each room is its id. */
function openSocket(rooms: number, pending: string[] = []) {
  const user = new AttachedUser('a user', feeds, { joinRoom: () => undefined, leaveRoom: () => undefined });
  for (let id = 1; id <= rooms; id++) user.rooms.add(String(id));
  const resumption = { pending: new Map(pending.map((id) => [id, {}])) };
  const reports: Record<string, number>[] = [];
  const send = (frame: string) => reports.push(JSON.parse(frame).rooms);
  return { socket: { attachment: { user, resumption }, send } as unknown as LiveSocket, reports };
}

test('each socket gets its heads once in 25 seconds, without the rooms that still miss messages', () => {
  const headReports = new HeadReports(feeds);
  const sockets = [openSocket(3), openSocket(3, ['2'])];
  for (const { socket } of sockets) headReports.add(socket);
  const gone = openSocket(1);
  headReports.add(gone.socket);
  headReports.delete(gone.socket);
  mock.timers.tick(100_000);
  assert.deepEqual(
    sockets.map(({ reports }) => reports.length),
    [4, 4],
  );
  assert.deepEqual(sockets[0]?.reports[0], { 1: 1, 2: 2, 3: 3 });
  assert.deepEqual(sockets[1]?.reports[0], { 1: 1, 3: 3 });
  assert.deepEqual(gone.reports, []);
  headReports.close();
});

test('a socket with very many rooms gets the heads of other rooms each time', () => {
  const headReports = new HeadReports(feeds);
  const { socket, reports } = openSocket(700);
  headReports.add(socket);
  mock.timers.tick(75_000);
  assert.deepEqual(
    reports.map((report) => Object.keys(report).length),
    [300, 300, 100],
  );
  assert.equal(new Set(reports.flatMap((report) => Object.keys(report))).size, 700);
  headReports.close();
});
