import { type EventOf, eventsOf, type GotMessage, type History, rowsOfRooms } from './history.ts';
import { findMemberships } from './membership-spans.ts';

/** The rules about what connections receive. */
export const streamRules = {
  'a stream goes on by 1': findBrokenStreams,
  'a member gets every message': findMissedMessages,
  'a read shows every message': findIncompleteReads,
  'nothing arrives after a removal': findLeaks,
  'nothing arrives after a revocation': findFramesAfterRevocation,
};

const DEFAULT_AFTER_REVOCATION_MS = 1_000;
/** A history shows no edits and no deletions: a reader sees their effect. */
const NOT_IN_HISTORY = ['UpdateMessage', 'DeleteMessage', 'DeleteRoom'];

interface Connection {
  userId: string;
  /** The next seq of each room. */
  next: Map<string, number>;
  isResumed: boolean;
}

const isAbout = (command: 'AddUser' | 'RemoveUser', message: GotMessage, userId: string) =>
  message.command === command && message.targetId === userId;

/**
 * Each room goes on from the head of the Welcome, or from the message that adds the user. If the connection resumes, it
 * goes on from the position of the client. Then it skips messages only from before the own message that adds the user.
 */
function findBrokenStreams(history: History): string[] {
  const connections = new Map<number, Connection>();
  const isMember = membershipTest(history);
  const roomIds = new Set(history.rooms.map(({ id }) => id));
  const violations: string[] = [];
  for (const event of history.events) {
    if (event.kind === 'opened') {
      const next = new Map([...event.heads].map(([roomId, head]) => [roomId, head + 1]));
      const { userId, isResumed = false } = event;
      connections.set(event.connection, { userId, next, isResumed });
    }
    if (event.kind === 'resynced') connections.get(event.connection)?.next.set(event.roomId, event.seq + 1);
    if (event.kind !== 'got' || !roomIds.has(event.roomId)) continue;
    const connection = connections.get(event.connection);
    if (!connection) violations.push(`connection ${event.connection} got message ${event.seq} before its Welcome`);
    else violations.push(...followStream(connection, event, isMember));
  }
  return violations;
}

type MembershipTest = (userId: string, roomId: string, seq: number) => boolean;

/** @returns a function that shows whether a user was a member of a room at this message */
function membershipTest(history: History): MembershipTest {
  const spansOf = Map.groupBy(findMemberships(history), ({ userId, roomId }) => `${userId} ${roomId}`);
  return (userId, roomId, seq) =>
    (spansOf.get(`${userId} ${roomId}`) ?? []).some(
      ({ from, to = Number.POSITIVE_INFINITY }) => from <= seq && seq <= to,
    );
}

function followStream(
  { userId, next, isResumed }: Connection,
  got: EventOf<'got'>,
  isMember: MembershipTest,
): string[] {
  const { connection, roomId, seq } = got;
  const expected = next.get(roomId);
  const isOwnBegin = isAbout('AddUser', got, userId);
  const mayJump = expected === undefined || (isResumed && seq > expected && !isMember(userId, roomId, expected));
  const isWrong = seq !== expected && !(isOwnBegin && mayJump);
  next.set(roomId, seq + 1);
  if (isAbout('RemoveUser', got, userId)) next.delete(roomId);
  if (!isWrong) return [];
  return [`connection ${connection} got message ${seq} of room ${roomId} where ${expected ?? 'none'} is expected`];
}

interface Range {
  after: number;
  to: number;
}

/**
 * A member must have each message since the beginning of the membership, from sockets and reads together. A gap inside
 * the stream of one connection is the violation of another rule. After a removal, a user can no longer read what was
 * missed before. Only a client that resumes gets it, up to the removal, if it had a message of the membership before.
 */
function findMissedMessages(history: History): string[] {
  const rowsOf = rowsOfRooms(history);
  const covered = findCoverage(history);
  const resuming = new Set(eventsOf(history, 'opened').flatMap(({ userId, isResumed }) => (isResumed ? [userId] : [])));
  return findMemberships(history).flatMap(({ userId, roomId, from, to }) => {
    const ranges = covered.get(`${userId} ${roomId}`) ?? [];
    const hasPart = ranges.some((range) => range.to >= from && range.after < (to ?? Number.POSITIVE_INFINITY));
    const isOwed = to === undefined ? ranges.length > 0 : hasPart && resuming.has(userId);
    if (!isOwed) return [];
    const last = followRanges(ranges, from - 1);
    const end = to ?? rowsOf.get(roomId)?.at(-1)?.seq ?? 0;
    return last >= end ? [] : [`user ${userId} has room ${roomId} up to message ${last} of ${end}`];
  });
}

function followRanges(ranges: Range[], start: number): number {
  let last = start;
  for (const { after, to } of ranges.toSorted((a, b) => a.after - b.after))
    if (after <= last) last = Math.max(last, to);
  return last;
}

/** @returns for each user and room the ranges of seqs that the user got or read */
function findCoverage({ events }: History): Map<string, Range[]> {
  const coverage = new Map<string, Range[]>();
  const add = (userId: string, roomId: string, range: Range) => {
    const key = `${userId} ${roomId}`;
    const ranges = coverage.get(key);
    if (ranges) ranges.push(range);
    else coverage.set(key, [range]);
    return range;
  };
  const userOf = new Map<number, string>();
  const live = new Map<string, Range>();
  const knownUsers = new Set<string>();
  for (const event of events) {
    if (event.kind === 'read') add(event.userId, event.roomId, { after: event.after, to: event.to });
    if (event.kind === 'opened') {
      const { connection, userId, heads } = event;
      userOf.set(connection, userId);
      for (const [roomId, head] of heads) {
        // The first connection of a user is owed nothing that was there before.
        const after = knownUsers.has(userId) ? head : 0;
        live.set(`${connection} ${roomId}`, add(userId, roomId, { after, to: head }));
      }
      knownUsers.add(userId);
    }
    if (event.kind === 'resynced') {
      const { connection, roomId, seq } = event;
      live.set(`${connection} ${roomId}`, add(userOf.get(connection) ?? '', roomId, { after: seq, to: seq }));
    }
    if (event.kind !== 'got') continue;
    const userId = userOf.get(event.connection) ?? '';
    const key = `${event.connection} ${event.roomId}`;
    const range = live.get(key);
    if (range && !isAbout('AddUser', event, userId)) range.to = Math.max(range.to, event.seq);
    else live.set(key, add(userId, event.roomId, { after: event.seq - 1, to: event.seq }));
  }
  return coverage;
}

/** A read of a history shows every message of its range, except edits and deletions. */
function findIncompleteReads(history: History): string[] {
  const rowsOf = rowsOfRooms(history);
  return eventsOf(history, 'read').flatMap(({ userId, roomId, after, to, seqs }) => {
    const shown = new Set(seqs);
    const missing = (rowsOf.get(roomId) ?? [])
      .filter(({ seq, command }) => after < seq && seq <= to && !NOT_IN_HISTORY.includes(command))
      .find(({ seq }) => !shown.has(seq));
    return missing ? [`user ${userId} read room ${roomId} after ${after}, without message ${missing.seq}`] : [];
  });
}

function findLeaks(history: History): string[] {
  const isMember = membershipTest(history);
  const roomIds = new Set(history.rooms.map(({ id }) => id));
  const userOf = new Map(eventsOf(history, 'opened').map(({ connection, userId }) => [connection, userId]));
  return eventsOf(history, 'got').flatMap(({ connection, roomId, seq }) => {
    if (!roomIds.has(roomId)) return [];
    const userId = userOf.get(connection) ?? '';
    return isMember(userId, roomId, seq)
      ? []
      : [`user ${userId}, no member then, got message ${seq} of room ${roomId}`];
  });
}

function findFramesAfterRevocation(history: History): string[] {
  const revokedAt = new Map(eventsOf(history, 'revoked').map(({ connection, atMs }) => [connection, atMs]));
  return eventsOf(history, 'got').flatMap(({ connection, roomId, seq, atMs }) => {
    const revokedAtMs = revokedAt.get(connection) ?? Number.POSITIVE_INFINITY;
    const late = atMs - revokedAtMs;
    if (late <= findRevocationLimit(history, revokedAtMs)) return [];
    return [`connection ${connection} got message ${seq} of room ${roomId} ${Math.round(late)} ms after its logout`];
  });
}

function findRevocationLimit({ disturbance }: History, revokedAtMs: number): number {
  const isDisturbed = disturbance && disturbance.fromMs <= revokedAtMs && revokedAtMs <= disturbance.toMs;
  return isDisturbed ? disturbance.maxAfterRevocationMs : DEFAULT_AFTER_REVOCATION_MS;
}
