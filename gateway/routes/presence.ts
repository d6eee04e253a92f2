import type { ListedUser, Room, User } from '../../shared/contract/answers.ts';
import type { GatewayContext } from '../edge/gateway-context.ts';
import type { StoredListedUser, StoredRoom, StoredUser } from '../reads/record-columns.ts';

// Redis knows who is online, and Postgres does not. These functions add `isOnline` to what Postgres returned.

/** Adds `isOnline` to the users of each room. */
export async function roomsWithPresence(gateway: GatewayContext, rooms: StoredRoom[]): Promise<Room[]> {
  const online = await whoIsOnline(
    gateway,
    rooms.flatMap(({ users }) => users),
  );
  return rooms.map((room) => withUsersOnline(room, online));
}

/** Adds `isOnline` to a user, and to the users of their rooms. */
export async function userWithPresence(gateway: GatewayContext, user: StoredUser): Promise<User> {
  const online = await whoIsOnline(gateway, [user, ...user.rooms.flatMap(({ users }) => users)]);
  return { ...user, isOnline: online.has(user.id), rooms: user.rooms.map((room) => withUsersOnline(room, online)) };
}

/** Adds `isOnline` to each user of a list. */
export async function usersWithPresence(gateway: GatewayContext, users: StoredListedUser[]): Promise<ListedUser[]> {
  const online = await whoIsOnline(gateway, users);
  return users.map((user) => ({ ...user, isOnline: online.has(user.id) }));
}

function whoIsOnline({ liveRooms }: GatewayContext, users: { id: string }[]): Promise<Set<string>> {
  return liveRooms.whoIsOnline([...new Set(users.map(({ id }) => id))]);
}

function withUsersOnline(room: StoredRoom, online: Set<string>): Room {
  return { ...room, users: room.users.map((user) => ({ ...user, isOnline: online.has(user.id) })) };
}
