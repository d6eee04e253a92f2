import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { importTokenKey, signToken } from '../shared/access-tokens.ts';
import type { Config } from '../shared/config.ts';
import type { AccountCommand } from '../shared/contract/account-commands.ts';
import { newId } from '../shared/contract/ids.ts';
import type { Batch, RefusedOutcome, RoomCommand } from '../shared/contract/jobs.ts';
import { limits } from '../shared/contract/limits.ts';
import { PAYLOAD_VERSION } from '../shared/contract/versions.ts';
import type { Database } from '../shared/database.ts';
import { hashPassword } from '../shared/hash-password.ts';
import type { LoadUsersFile } from '../shared/load-users-file.ts';
import { createLog } from '../shared/log.ts';
import { applyAccountCommands } from './apply-account-commands.ts';
import { applyRoomCommands } from './apply-room-commands.ts';
import { unknownTime } from './database-time.ts';
import { LockedRows } from './locked-rows.ts';

// Accounts for load tests, with their rooms and tokens. They are made with the statements of the workers, so they are
// like the accounts and rooms of people. It needs no running gateway and no running worker.

/** The e-mails of load users match this pattern of `like`. `.invalid` is reserved (RFC 2606): no mail can reach it. */
export const LOAD_USER_EMAILS = 'load-user-%@load-users.invalid';
const DEADLINE_MS = 3_600_000;
const LANES = 2;

export interface LoadUsersOptions {
  /** How many accounts are made: a multiple of `membersPerRoom`. */
  users: number;
  membersPerRoom: number;
  /** The path of the file that gets the ids, the tokens and the password. */
  file: string;
}

type LoadUser = LoadUsersFile['rooms'][number]['users'][number];

const log = createLog('admin', 'warn');

/**
 * Makes the accounts and rooms, and writes the file for the load scripts.
 * @throws Error if there are load users already, or if Postgres does not answer. Then some accounts may exist.
 */
export async function addLoadUsers(
  database: Database,
  { API_SECRET, TOKEN_HOUR_LIFESPAN }: Config<'API_SECRET' | 'TOKEN_HOUR_LIFESPAN'>,
  { users, membersPerRoom, file }: LoadUsersOptions,
): Promise<string[]> {
  const [existing] = await database`select from users where lower(email) like ${LOAD_USER_EMAILS} limit 1`;
  if (existing) throw new Error('there are load users already. Run this first: npm run admin -- remove-load-users');
  const startedAt = performance.now();
  const password = randomBytes(12).toString('base64url');
  const accounts = await register(database, users, await hashPassword(password));
  const key = importTokenKey(API_SECRET);
  const loadUsers = await Promise.all(
    accounts.map(async ({ id, email }) => {
      return { id, email, token: await signToken(key, { userId: id, version: 0, hours: TOKEN_HOUR_LIFESPAN }) };
    }),
  );
  const rooms = await createRooms(database, chunksOf(loadUsers, membersPerRoom));
  writePrivately(file, { password, rooms });
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  return [`${users} load users in ${rooms.length} rooms, in ${seconds} s`, `their ids, tokens and password: ${file}`];
}

async function register(
  database: Database,
  users: number,
  passwordHash: string,
): Promise<{ id: string; email: string }[]> {
  const people = Array.from({ length: users }, (_, index) => {
    const email = LOAD_USER_EMAILS.replace('%', `${index + 1}`);
    return { id: newId(), firstName: 'Load', lastName: `User ${index + 1}`, email, proven: false };
  });
  const commands = people.map((person): AccountCommand => {
    return { command: 'Register', deadline: deadline(), passwordHash, ...person };
  });
  const context = { database, databaseTime: unknownTime, log };
  await applyInBatches(commands, (laneKey, batch) => applyAccountCommands(context, laneKey, batch, false));
  return people;
}

/** Makes one room for each list of users. The first user of a list owns the room and adds the others. */
async function createRooms(database: Database, lists: LoadUser[][]): Promise<LoadUsersFile['rooms']> {
  const context = { database, databaseTime: unknownTime, lockedRows: new LockedRows(), log };
  const apply = (laneKey: string, batch: Batch<RoomCommand>) => applyRoomCommands(context, laneKey, batch);
  const creations = lists.map(([owner], index) => {
    return toRoomCommand('CreateRoom', owner as LoadUser, { text: `load room ${index + 1}`, roomType: 'Private' });
  });
  const created = await applyInBatches(creations, apply);
  const rooms = lists.map((users, index) => ({ id: created[index]?.roomId as string, users }));
  const additions = rooms.flatMap(({ id, users: [owner, ...others] }) =>
    others.map((other) => toRoomCommand('AddUser', owner as LoadUser, { roomId: id, targetId: other.id, text: '' })),
  );
  await applyInBatches(additions, apply);
  return rooms;
}

function toRoomCommand(
  command: RoomCommand['command'],
  { id: actorId }: LoadUser,
  fields: Pick<RoomCommand, 'roomId' | 'targetId' | 'text' | 'roomType'>,
): RoomCommand {
  const id = newId();
  return { id, ref: id, command, actorId, deadline: deadline(), ...fields };
}

/** Applies the commands in two lanes, each in order. So two cores of Postgres work. @throws Error if one is refused */
async function applyInBatches<Command, Outcome extends object>(
  commands: Command[],
  apply: (laneKey: string, batch: Batch<Command>) => Promise<{ outcomes: (Outcome | RefusedOutcome)[] }>,
): Promise<Outcome[]> {
  const gateway = newId();
  const applyLane = async (laneCommands: Command[], lane: number) => {
    const outcomes: Outcome[] = [];
    for (const [number, chunk] of chunksOf(laneCommands, limits.MAX_BATCH_COMMANDS).entries()) {
      const batch = { v: PAYLOAD_VERSION, gateway, lane, number, commands: chunk } as const;
      const applied = await apply(`load-users:${gateway}:${lane}`, batch);
      for (const outcome of applied.outcomes) {
        if ('code' in outcome) throw new Error(`load users could not be made: ${outcome.code}`);
        outcomes.push(outcome);
      }
    }
    return outcomes;
  };
  return (await Promise.all(chunksOf(commands, Math.ceil(commands.length / LANES)).map(applyLane))).flat();
}

/** The tokens in the file are secrets, so only this user may read it. */
function writePrivately(file: string, content: LoadUsersFile): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  rmSync(file, { force: true });
  writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
}

const deadline = () => new Date(Date.now() + DEADLINE_MS).toISOString();

function chunksOf<Item>(items: Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
