import type { Database } from '../shared/database.ts';
import { type Account, createAccounts } from './accounts.ts';
import { addMembers } from './add-members.ts';
import { callApi, inParallel } from './call-api.ts';
import type { Ledger, LedgerRoom } from './ledger.ts';
import { Member } from './member.ts';

const MAX_CONNECTS_AT_ONCE = 64;

/** Rooms with connected members. */
export interface Fixture {
  members: Member[];
  accounts: Account[];
  rooms: LedgerRoom[];
}

export interface FixtureSize {
  /** Each member has one socket. */
  members: number;
  /** Every room has the same number of members, so `members` must be a multiple of `rooms`. */
  rooms: number;
}

/** The parts of a running system that a fixture needs. */
export interface Target {
  url: string;
  /** `API_SECRET` of the gateways. */
  secret: string;
  /** A connection that can write. */
  database: Database;
}

/** Creates the accounts, rooms and sockets. The first member of each room is its owner. */
export async function createFixture(target: Target, size: FixtureSize, ledger: Ledger): Promise<Fixture> {
  const { accounts, roomIds } = await createRooms(target, size);
  const rooms = roomIds.map((id): LedgerRoom => ({ id, initialSeq: size.members / size.rooms, order: [] }));
  const connect = (index: number) => {
    const { token } = accounts[index] as Account;
    return Member.connect(target.url, token, rooms[index % rooms.length] as LedgerRoom, index, ledger);
  };
  return { accounts, rooms, members: await inParallel(accounts.length, connect, MAX_CONNECTS_AT_ONCE) };
}

/** Creates accounts and rooms without sockets. The member with index `i` is in the room with index `i % rooms`. */
export async function createRooms(
  { url, secret, database }: Target,
  { members, rooms }: FixtureSize,
): Promise<{ accounts: Account[]; roomIds: string[] }> {
  const accounts = await createAccounts(url, secret, database, members);
  const accountsOfRoom = Map.groupBy(accounts, (_, index) => index % rooms);
  const roomIds = await inParallel(rooms, async (index) => {
    const [{ token }, ...others] = accountsOfRoom.get(index) as [Account, ...Account[]];
    const { id } = await callApi<{ id: string }>(url, 'POST /api/rooms', token, { name: `bench room ${index}` });
    await addMembers(
      url,
      token,
      id,
      others.map((account) => account.id),
    );
    return id;
  });
  return { accounts, roomIds };
}
