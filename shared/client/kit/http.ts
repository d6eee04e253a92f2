import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { Refusal } from '../../contract/errors.ts';
import { limits } from '../../contract/limits.ts';
import type { Observer } from './observer.ts';
import type { KitRoom, KitUser } from './room.ts';
import { currentRow, historyOf } from './rows.ts';
import type { World } from './world.ts';

export interface Answer {
  status: number;
  body: object;
  headers?: Record<string, string>;
}

/** The server that the requests are for. */
export interface HttpContext {
  world: World;
  observer: Observer;
  /** Called once, before a history is read. */
  onRead: (() => void) | undefined;
  /** The number of histories that do not have the last message yet. */
  staleReads: number;
  logIn(email: string, password: string): string;
  createTicket(user: KitUser): string;
  userOf(headers: IncomingHttpHeaders): KitUser;
}

/** Answers the requests that a client needs. docs/api.md has the rules. @throws Refusal */
export async function answerOf(server: HttpContext, request: IncomingMessage): Promise<Answer> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://kit');
  const route = `${request.method} ${pathname}`;
  if (route === 'POST /api/users/login') {
    if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) throw new Refusal('json_only');
    const { email, password } = (await json(request)) as { email: string; password: string };
    return { status: 200, body: { token: server.logIn(email, password) } };
  }
  const user = server.userOf(request.headers);
  if (route === 'POST /api/ws/ticket') return { status: 201, body: { ticket: server.createTicket(user) } };
  const [, roomId = ''] =
    /^GET \/api\/(?:messages\/([^/]+)|rooms\/([^/]+)\/events)$/.exec(route)?.filter(Boolean) ?? [];
  if (!roomId) throw new Refusal('no_such_route');
  const room = server.world.room(roomId);
  if (!server.world.membership(room, user.id)) throw new Refusal('no_such_room');
  server.onRead?.();
  server.onRead = undefined;
  const isStale = server.staleReads > 0;
  if (isStale) server.staleReads--;
  const seen = isStale ? { ...room, rows: room.rows.slice(0, -1) } : room;
  server.observer.read(roomId, seen.rows.length);
  return route.endsWith('/events') ? events(seen, searchParams) : history(seen, searchParams);
}

export function refusalAnswer(error: unknown): Answer {
  if (!(error instanceof Refusal)) throw error;
  const headers: Record<string, string> = error.retryAfter ? { 'retry-after': String(error.retryAfter) } : {};
  return { status: error.status, body: error.toAnswer(), headers };
}

function events(room: KitRoom, query: URLSearchParams): Answer {
  const { MAX_EVENTS_SIZE, DEFAULT_EVENTS_SIZE } = limits;
  const after = Number(query.get('after') ?? 0);
  const size = Math.min(Number(query.get('size') ?? DEFAULT_EVENTS_SIZE), MAX_EVENTS_SIZE);
  const rows = room.rows.slice(after, after + size).map((row) => currentRow(room, row));
  return { status: 200, body: { events: rows, head: room.rows.length } };
}

function history(room: KitRoom, query: URLSearchParams): Answer {
  const size = Math.min(Number(query.get('size') ?? limits.DEFAULT_PAGE_SIZE), limits.MAX_PAGE_SIZE);
  const before = Number(query.get('before') ?? Number.POSITIVE_INFINITY);
  const after = query.get('after');
  const messages = historyOf(room).filter(({ seq }) => seq < before && seq > Number(after ?? 0));
  const page = Number(query.get('page') ?? 1) - 1;
  const body = after === null ? messages.slice(page * size, (page + 1) * size) : messages.slice(-size);
  return { status: 200, body, headers: { 'rooms-seq': String(room.rows.length) } };
}
