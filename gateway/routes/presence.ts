import type { Room, User, UserOfRoom } from '../../shared/contract/answers.ts';
import type { GatewayContext } from '../edge/gateway-context.ts';
import type { StoredPerson, StoredRoom, StoredUser } from '../reads/record-columns.ts';

// Redis knows who is online, and Postgres does not. These functions add `isOnline` to what Postgres returned.

/** Adds `isOnline` to the users of each room. */
export async function roomsWithPresence(gateway: GatewayContext, rooms: StoredRoom[]): Promise<Room[]> {
  const online = await whoIsOnline(gateway, usersOf(rooms));
  return rooms.map((room) => roomWithPresence(room, online));
}

/** Adds `isOnline` to each user, and to the users of their rooms. */
export async function usersWithPresence(gateway: GatewayContext, users: StoredUser[]): Promise<User[]> {
  const rooms = users.flatMap((user) => user.rooms);
  const online = await whoIsOnline(gateway, [...users, ...usersOf(rooms)]);
  return users.map((user) => ({
    ...withPresence(user, online),
    rooms: user.rooms.map((room) => roomWithPresence(room, online)),
  }));
}

function usersOf(rooms: StoredRoom[]): StoredPerson[] {
  return rooms.flatMap(({ users }) => users);
}

function whoIsOnline({ liveRooms }: GatewayContext, users: StoredPerson[]): Promise<Set<string>> {
  return liveRooms.whoIsOnline([...new Set(users.map(({ id }) => id))]);
}

function roomWithPresence(room: StoredRoom, online: Set<string>): Room {
  return { ...room, users: room.users.map((user) => withPresence(user, online)) };
}

function withPresence<Person extends StoredPerson>(user: Person, online: Set<string>): Person & UserOfRoom {
  return { ...user, isOnline: online.has(user.id) };
}
