import { newId } from '../../shared/contract/ids.ts';
import { type Account, createAccounts } from '../accounts.ts';
import type { Target } from '../fixture.ts';
import { type Attack, loginsOf } from './attack.ts';

/** One line of the table: what one user does. */
export interface FairnessRow {
  title: string;
  /** How many commands, rooms, edits, accounts or connections the title names. */
  size: number;
  /** The row has a gateway of its own, with this number of file descriptors. */
  descriptors?: number;
  /** Creates what the attack needs. */
  prepare(target: Target, size: number): Promise<Attack>;
}

const accountsOf = ({ url, secret, database }: Target, count: number) => createAccounts(url, secret, database, count);
const oneAccount = async (target: Target) => (await accountsOf(target, 1))[0] as Account;

export const ROWS = [
  {
    title: '1,500 CreateRoom in 0.12 s over 10 sockets',
    size: 1_500,
    prepare: (target, size) => createRooms(target, 10, size, 0.12),
  },
  {
    title: '4,400 CreateRoom in 3 s over 22 sockets',
    size: 4_400,
    prepare: (target, size) => createRooms(target, 22, size, 3),
  },
  { title: 'GET /api/users 27 times a second, 100 users in 100 public rooms', size: 100, prepare: listUsers },
  { title: 'a member of 30,000 rooms connects and closes', size: 30_000, prepare: reconnects },
  { title: 'deletes a message with 100,000 edits', size: 100_000, prepare: deletesAnEditedMessage },
  { title: '3 users send 23,400 refused commands over 120 sockets', size: 23_400, prepare: refusedCommands },
  { title: '10 accounts of one address log in, again and again', size: 10, prepare: logins },
  { title: 'GET /readyz over 64 connections', size: 64, prepare: readyz },
  { title: '200 idle connections, 150 descriptors', size: 200, descriptors: 150, prepare: idleConnections },
] as const satisfies FairnessRow[];

async function createRooms(target: Target, sockets: number, count: number, seconds: number): Promise<Attack> {
  const { token } = await oneAccount(target);
  const frame = { command: 'CreateRoom', text: 'a room' };
  return { kind: 'commands', tokens: [token], sockets, frame, count, seconds };
}

async function listUsers(target: Target, size: number): Promise<Attack> {
  const accounts = await accountsOf(target, size);
  const [owner] = accounts as [Account];
  await addRooms(target, owner.id, 'Public', size);
  await target.database`
    insert into memberships (room_id, user_id, seq)
    select rooms.id, users.id, 1 from rooms, users
    where owner_id = ${owner.id} and users.id in ${target.database(accounts.map(({ id }) => id))}`;
  return { kind: 'requests', method: 'GET', path: '/api/users', token: owner.token, connections: 27, perSecond: 27 };
}

async function reconnects(target: Target, size: number): Promise<Attack> {
  const [owner, member] = (await accountsOf(target, 2)) as [Account, Account];
  await addRooms(target, owner.id, 'Private', size);
  await target.database`
    insert into memberships (room_id, user_id, seq) select id, ${member.id}, 1 from rooms where owner_id = ${owner.id}`;
  return { kind: 'reconnects', token: member.token };
}

/** The message is like one of a database that was upgraded: since then, quotas allow fewer edits. */
async function deletesAnEditedMessage(target: Target, edits: number): Promise<Attack> {
  const { id: authorId, token } = await oneAccount(target);
  const [roomId] = (await addRooms(target, authorId, 'Private', 1)) as [string];
  const targetId = newId();
  await target.database`insert into memberships (room_id, user_id, seq) values (${roomId}, ${authorId}, 1)`;
  await target.database`
    insert into messages
      (room_id, seq, id, user_id, command, target_id, text, created_at, updated_at, ref, fingerprint, history_index)
    select ${roomId}::uuid, n, case when n = 1 then ${targetId}::uuid else gen_random_uuid() end, ${authorId}::uuid,
      case when n = 1 then 'CreateMessage' else 'UpdateMessage' end,
      case when n = 1 then ${roomId}::uuid else ${targetId}::uuid end,
      case when n in (1, ${edits + 1}::int) then 'Hello World!' else '' end, now(), now(), gen_random_uuid(), 0, 1
    from generate_series(1, ${edits + 1}::int) n`;
  await target.database`update rooms set seq = ${edits + 1}, history_length = 1 where id = ${roomId}`;
  const frame = { command: 'DeleteMessage', roomId, targetId };
  return { kind: 'commands', tokens: [token], sockets: 1, frame, count: 1, seconds: 1 };
}

async function refusedCommands(target: Target, count: number): Promise<Attack> {
  const tokens = (await accountsOf(target, 3)).map(({ token }) => token);
  const frame = { command: 'CreateMessage', roomId: newId(), text: 'Hello World!' };
  return { kind: 'commands', tokens, sockets: 40, frame, count, seconds: 1 };
}

async function logins(target: Target, size: number): Promise<Attack> {
  const bodies = loginsOf((await accountsOf(target, size)).map(({ email }) => email));
  const path = '/api/users/login';
  return { kind: 'requests', method: 'POST', path, bodies, connections: size, perSecond: 1_000 };
}

async function readyz(_: Target, connections: number): Promise<Attack> {
  return { kind: 'requests', method: 'GET', path: '/readyz', connections, perSecond: 1_000_000 };
}

async function idleConnections(_: Target, count: number): Promise<Attack> {
  return { kind: 'idle connections', count };
}

/** @returns the ids of the rooms */
async function addRooms({ database }: Target, ownerId: string, roomType: string, count: number): Promise<string[]> {
  const rows = await database<{ id: string }[]>`
    insert into rooms (id, name, owner_id, room_type, seq, history_length)
    select gen_random_uuid(), 'bench room', ${ownerId}, ${roomType}, 1, 1 from generate_series(1, ${count}::int)
    returning id`;
  return rows.map(({ id }) => id);
}
