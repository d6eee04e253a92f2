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
  /** All members, each with one socket. */
  members: number;
  rooms: number;
  /** How many members each room has: `members` must be a multiple of it. Default: each member is in one room. */
  roomSize?: number;
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
  const rooms = roomIds.map((id): LedgerRoom => ({ id, initialSeq: roomSizeOf(size), order: [] }));
  const roomsOfGroup = Map.groupBy(rooms, (_, room) => room % groupsOf(size));
  const connect = (index: number) => {
    const { token } = accounts[index] as Account;
    const own = roomsOfGroup.get(index % groupsOf(size)) as LedgerRoom[];
    return Member.connect(target.url, token, own, index, ledger);
  };
  return { accounts, rooms, members: await inParallel(accounts.length, connect, MAX_CONNECTS_AT_ONCE) };
}

/**
 * Creates accounts and rooms without sockets. The members form groups, and all members of a group are in the same rooms.
 * If each member is in one room, then the member with index `i` is in the room with index `i % rooms`.
 */
export async function createRooms(
  { url, secret, database }: Target,
  size: FixtureSize,
): Promise<{ accounts: Account[]; roomIds: string[] }> {
  const accounts = await createAccounts(url, secret, database, size.members);
  const accountsOfGroup = Map.groupBy(accounts, (_, index) => index % groupsOf(size));
  const roomIds = await inParallel(size.rooms, async (index) => {
    const [{ token }, ...others] = accountsOfGroup.get(index % groupsOf(size)) as [Account, ...Account[]];
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

const roomSizeOf = ({ members, rooms, roomSize = members / rooms }: FixtureSize) => roomSize;
/** Without more rooms than groups, each group has one room. */
const groupsOf = (size: FixtureSize) => size.members / roomSizeOf(size);
