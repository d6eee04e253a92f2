import { newId } from '../../shared/contract/ids.ts';
import { type Account, createAccounts } from '../accounts.ts';
import type { System } from '../with-cluster.ts';
import { type Attack, loginsOf } from './attack.ts';

/** One line of the table: what one user does. */
export interface FairnessRow {
  title: string;
  /** The row has a gateway of its own, with this number of file descriptors. */
  descriptors?: number;
  /** Creates what the attack needs. */
  prepare(system: System): Promise<Attack>;
}

const accountsOf = ({ url, secret, database }: System, count: number) => createAccounts(url, secret, database, count);
const oneAccount = async (system: System) => (await accountsOf(system, 1))[0] as Account;

export const ROWS: FairnessRow[] = [
  { title: '1,500 CreateRoom in 0.12 s over 10 sockets', prepare: (system) => createRooms(system, 10, 1_500, 0.12) },
  { title: '4,400 CreateRoom in 3 s over 22 sockets', prepare: (system) => createRooms(system, 22, 4_400, 3) },
  { title: 'GET /api/users 27 times a second, 100 users in 100 public rooms', prepare: listUsers },
  { title: 'a member of 30,000 rooms connects and closes', prepare: reconnects },
  { title: 'deletes a message with 100,000 edits', prepare: deletesAnEditedMessage },
  { title: '3 users send 23,400 refused commands over 120 sockets', prepare: refusedCommands },
  { title: '10 accounts of one address log in, again and again', prepare: logins },
  { title: 'GET /readyz over 64 connections', prepare: readyz },
  { title: '200 idle connections, 150 descriptors', descriptors: 150, prepare: idleConnections },
];

async function createRooms(system: System, sockets: number, count: number, seconds: number): Promise<Attack> {
  const { token } = await oneAccount(system);
  const frame = { command: 'CreateRoom', text: 'a room' };
  return { kind: 'commands', tokens: [token], sockets, frame, count, seconds };
}

async function listUsers(system: System): Promise<Attack> {
  const accounts = await accountsOf(system, 100);
  const [owner] = accounts as [Account];
  await addRooms(system, owner.id, 'Public', 100);
  await system.database`
    insert into memberships (room_id, user_id, seq)
    select rooms.id, users.id, 1 from rooms, users
    where owner_id = ${owner.id} and users.id in ${system.database(accounts.map(({ id }) => id))}`;
  return { kind: 'requests', method: 'GET', path: '/api/users', token: owner.token, connections: 27, perSecond: 27 };
}

async function reconnects(system: System): Promise<Attack> {
  const [owner, member] = (await accountsOf(system, 2)) as [Account, Account];
  await addRooms(system, owner.id, 'Private', 30_000);
  await system.database`
    insert into memberships (room_id, user_id, seq) select id, ${member.id}, 1 from rooms where owner_id = ${owner.id}`;
  return { kind: 'reconnects', token: member.token };
}

/** The message is like one of a database that was upgraded: since then, quotas allow fewer edits. */
async function deletesAnEditedMessage(system: System): Promise<Attack> {
  const { id: authorId, token } = await oneAccount(system);
  const [roomId] = (await addRooms(system, authorId, 'Private', 1)) as [string];
  const targetId = newId();
  const edits = 100_000;
  await system.database`insert into memberships (room_id, user_id, seq) values (${roomId}, ${authorId}, 1)`;
  await system.database`
    insert into messages
      (room_id, seq, id, user_id, command, target_id, text, created_at, updated_at, ref, fingerprint, history_index)
    select ${roomId}::uuid, n, case when n = 1 then ${targetId}::uuid else gen_random_uuid() end, ${authorId}::uuid,
      case when n = 1 then 'CreateMessage' else 'UpdateMessage' end,
      case when n = 1 then ${roomId}::uuid else ${targetId}::uuid end,
      case when n in (1, ${edits + 1}::int) then 'Hello World!' else '' end, now(), now(), gen_random_uuid(), 0, 1
    from generate_series(1, ${edits + 1}::int) n`;
  await system.database`update rooms set seq = ${edits + 1}, history_length = 1 where id = ${roomId}`;
  const frame = { command: 'DeleteMessage', roomId, targetId };
  return { kind: 'commands', tokens: [token], sockets: 1, frame, count: 1, seconds: 1 };
}

async function refusedCommands(system: System): Promise<Attack> {
  const tokens = (await accountsOf(system, 3)).map(({ token }) => token);
  const frame = { command: 'CreateMessage', roomId: newId(), text: 'Hello World!' };
  return { kind: 'commands', tokens, sockets: 40, frame, count: 23_400, seconds: 1 };
}

async function logins(system: System): Promise<Attack> {
  const bodies = loginsOf((await accountsOf(system, 10)).map(({ email }) => email));
  const path = '/api/users/login';
  return { kind: 'requests', method: 'POST', path, bodies, connections: 10, perSecond: 1_000 };
}

async function readyz(): Promise<Attack> {
  return { kind: 'requests', method: 'GET', path: '/readyz', connections: 64, perSecond: 1_000_000 };
}

async function idleConnections(): Promise<Attack> {
  return { kind: 'idle connections', count: 200 };
}

/** @returns the ids of the rooms */
async function addRooms({ database }: System, ownerId: string, roomType: string, count: number): Promise<string[]> {
  const rows = await database<{ id: string }[]>`
    insert into rooms (id, name, owner_id, room_type, seq, history_length)
    select gen_random_uuid(), 'bench room', ${ownerId}, ${roomType}, 1, 1 from generate_series(1, ${count}::int)
    returning id`;
  return rows.map(({ id }) => id);
}
