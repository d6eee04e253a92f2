import { type Ears, Member } from './member.ts';

/** Rooms with their members, made over the public interface. */
export interface Scene {
  members: Member[];
  /** With which they log in. */
  emails: string[];
  roomIds: string[];
  /** The last seq of each room when all members were in and listening. */
  heads: Map<string, number>;
}

export const PASSWORD = 'correct horse';

/** @param sockets members in all, evenly over the rooms; the first of each room owns it */
export async function makeScene(url: string, sockets: number, rooms: number, ears: Ears): Promise<Scene> {
  const run = Date.now().toString(36);
  const accounts = await inParallel(sockets, (index) => makeAccount(url, `bench.${run}.${index}@example.com`));
  const owners = accounts.slice(0, rooms);
  const roomIds = await inParallel(rooms, async (index) => {
    const owner = owners[index] as Account;
    const room = await call<{ id: string }>(url, 'POST /api/rooms', owner.token, { name: `bench room ${index}` });
    return room.id;
  });
  await inParallel(sockets - rooms, async (index) => {
    const [roomId, owner] = [roomIds[index % rooms], owners[index % rooms] as Account];
    await call(url, `POST /api/rooms/${roomId}/users/${accounts[rooms + index]?.id}`, owner.token);
  });
  const members = await inParallel(sockets, (index) =>
    Member.connect(url, (accounts[index] as Account).token, roomIds[index % rooms] as string, ears),
  );
  return {
    members,
    emails: accounts.map(({ email }) => email),
    roomIds,
    heads: new Map(roomIds.map((roomId) => [roomId, sockets / rooms])),
  };
}

interface Account {
  id: string;
  token: string;
  email: string;
}

async function makeAccount(url: string, email: string): Promise<Account> {
  const person = { firstName: 'Bench', lastName: 'Member', email, password: PASSWORD };
  const { id } = await call<{ id: string }>(url, 'POST /api/users/register', undefined, person);
  const { token } = await call<{ token: string }>(url, 'POST /api/users/login', undefined, {
    email,
    password: PASSWORD,
  });
  return { id, token, email };
}

async function call<T>(url: string, what: string, token?: string, body?: unknown): Promise<T> {
  const [method, path] = what.split(' ') as [string, string];
  const headers = {
    ...(token && { authorization: `Bearer ${token}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  };
  const response = await fetch(`${url}${path}`, {
    method,
    headers,
    body: body === undefined ? null : JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${what}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** Does something so many times, eight at a time. @returns the results in order */
async function inParallel<T>(times: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const lane = async () => {
    while (next < times) {
      const index = next++;
      results[index] = await work(index);
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
  return results;
}
