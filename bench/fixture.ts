import { Member, type SocketEvents } from './member.ts';

const PARALLEL_CALLS = 8;
export const PASSWORD = 'correct horse';

/** Rooms with connected members, created over the public interface. */
export interface Fixture {
  members: Member[];
  /** The e-mails of the members. The password of each is {@link PASSWORD}. */
  emails: string[];
  roomIds: string[];
  /** The last seq of each room before the load begins: one message for its creation, and one for each added member. */
  initialSeq: number;
}

export interface FixtureSize {
  /** Each member has one socket. */
  members: number;
  /** Every room has the same number of members, so `members` must be a multiple of `rooms`. */
  rooms: number;
}

interface Account {
  id: string;
  token: string;
  email: string;
}

/** Creates the accounts, rooms and sockets. The first member of each room is its owner. */
export async function createFixture(url: string, size: FixtureSize, events: SocketEvents): Promise<Fixture> {
  const { members, rooms } = size;
  const uniqueName = Date.now().toString(36);
  const accounts = await inParallel(members, (index) => createAccount(url, `bench.${uniqueName}.${index}@example.com`));
  const account = (index: number) => accounts[index] as Account;
  const roomIds = await inParallel(rooms, (index) => createRoom(url, account(index).token, `bench room ${index}`));
  await inParallel(members - rooms, (index) => {
    const path = `/api/rooms/${roomIds[index % rooms]}/users/${account(rooms + index).id}`;
    return call(url, `POST ${path}`, account(index % rooms).token);
  });
  return {
    members: await inParallel(members, (index) =>
      Member.connect(url, account(index).token, roomIds[index % rooms] as string, events),
    ),
    emails: accounts.map(({ email }) => email),
    roomIds,
    initialSeq: members / rooms,
  };
}

async function createAccount(url: string, email: string): Promise<Account> {
  const person = { firstName: 'Bench', lastName: 'Member', email, password: PASSWORD };
  const { id } = await call<{ id: string }>(url, 'POST /api/users/register', undefined, person);
  const login = { email, password: PASSWORD };
  const { token } = await call<{ token: string }>(url, 'POST /api/users/login', undefined, login);
  return { id, token, email };
}

async function createRoom(url: string, token: string, name: string): Promise<string> {
  const { id } = await call<{ id: string }>(url, 'POST /api/rooms', token, { name });
  return id;
}

/** @param route such as `POST /api/rooms` */
async function call<T>(url: string, route: string, token?: string, body?: unknown): Promise<T> {
  const [method, path] = route.split(' ') as [string, string];
  const headers = {
    ...(token && { authorization: `Bearer ${token}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  };
  const response = await fetch(`${url}${path}`, {
    method,
    headers,
    body: body === undefined ? null : JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${route}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** Calls `work` with 0 to `count - 1`, at most eight calls at the same time. @returns the results, by index */
async function inParallel<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const callOneByOne = async () => {
    while (next < count) {
      const index = next++;
      results[index] = await work(index);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_CALLS }, callOneByOne));
  return results;
}
