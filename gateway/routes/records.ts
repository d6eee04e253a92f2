import type { UserOfRoom } from '../../shared/contract/answers.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import { limits } from '../../shared/contract/limits.ts';
import type { GatewayContext } from '../edge/gateway-context.ts';
import type { StoredPerson, StoredRoom } from '../reads/record-columns.ts';

// The answers about users and rooms, as JSON. A user is read and encoded once, also if many rooms show this user. No
// answer has more than MAX_LIST_BYTES.

/** In the record of a user with rooms, these bytes are for the user: two names, an e-mail and the other fields. */
const MAX_PERSON_BYTES = 2_000;

/** The JSON of each user without their rooms, by the id of the user. */
type EncodedPeople = Map<string, string>;

/** Encodes a list of users. In a list, users show no rooms. */
export async function encodeUsers(gateway: GatewayContext, people: StoredPerson[]): Promise<string> {
  const online = await gateway.liveRooms.whoIsOnline(people.map(({ id }) => id));
  return encodeList(people.map((person) => withRooms(encodePerson(person, online), [])));
}

/** Encodes a list of rooms with their users. */
export async function encodeRooms(gateway: GatewayContext, rooms: StoredRoom[], viewerId: string): Promise<string> {
  return encodeList(withUsers(rooms, await readPeople(gateway, usersOf(rooms), viewerId)));
}

/** @throws Refusal `no_such_room`, also if the viewer may not see the room */
export async function encodeRoom(gateway: GatewayContext, id: string, viewerId: string): Promise<string> {
  const room = await gateway.reads.room(id, viewerId);
  if (!room) throw new Refusal('no_such_room');
  return withUsers([room], await readPeople(gateway, room.userIds, viewerId)).join();
}

/** Encodes a user with their rooms. @throws Refusal `no_such_user` */
export async function encodeUser(gateway: GatewayContext, id: string, viewerId: string): Promise<string> {
  const rooms = await gateway.reads.roomsOfUser(id, viewerId);
  const people = await readPeople(gateway, [id, ...usersOf(rooms)], viewerId);
  const person = people.get(id);
  if (person === undefined) throw new Refusal('no_such_user');
  return withRooms(person, withUsers(rooms, people));
}

function usersOf(rooms: StoredRoom[]): string[] {
  return rooms.flatMap(({ userIds }) => userIds);
}

async function readPeople(gateway: GatewayContext, userIds: string[], viewerId: string): Promise<EncodedPeople> {
  const ids = [...new Set(userIds)];
  const [people, online] = await Promise.all([gateway.reads.people(ids, viewerId), gateway.liveRooms.whoIsOnline(ids)]);
  return new Map(people.map((person) => [person.id, encodePerson(person, online)]));
}

/** Redis knows who is online, and Postgres does not. */
function encodePerson(person: StoredPerson, online: Set<string>): string {
  const { id, createdAt, updatedAt, firstName, lastName, email, roles } = person;
  const isOnline = online.has(id);
  const user: UserOfRoom = { id, createdAt, updatedAt, firstName, lastName, email, roles, isOnline };
  return JSON.stringify(user);
}

function withRooms(person: string, rooms: string[]): string {
  return `${person.slice(0, -1)},"rooms":[${rooms.join()}]}`;
}

/** Encodes each room with the users that it shows. All rooms have the same number of bytes for their users. */
function withUsers(rooms: StoredRoom[], people: EncodedPeople): string[] {
  const heads = rooms.map(({ userIds: _, ...room }) => JSON.stringify(room).slice(0, -1));
  const bytesOfHeads = heads.reduce((sum, head) => sum + bytesOf(`${head},"users":[]},`), 0);
  const bytesOfUsers = (limits.MAX_LIST_BYTES - MAX_PERSON_BYTES - bytesOfHeads) / rooms.length;
  return rooms.map(({ userIds }, index) => {
    // When a connection is lost, the driver sometimes returns no rows.
    const users = userIds.map((id) => people.get(id)).filter((user) => user !== undefined);
    return `${heads[index]},"users":[${firstOf(users, bytesOfUsers).join()}]}`;
  });
}

/** Encodes a list. A list that would be too long ends earlier. */
function encodeList(items: string[]): string {
  return `[${firstOf(items, limits.MAX_LIST_BYTES - 2).join()}]`;
}

/** Returns the first texts that have at most this number of bytes, with a comma for each. */
function firstOf(texts: string[], maxBytes: number): string[] {
  let bytes = 0;
  const end = texts.findIndex((text) => {
    bytes += bytesOf(text) + 1;
    return bytes > maxBytes;
  });
  return end === -1 ? texts : texts.slice(0, end);
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}
