import type { UserOfRoom } from '../../shared/contract/answers.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import { limits } from '../../shared/contract/limits.ts';
import type { GatewayContext } from '../edge/gateway-context.ts';
import type { StoredPerson, StoredRoom } from '../reads/record-columns.ts';

// The answers about users and rooms, as JSON. Their statements run in a turn of the viewer. A user is read and encoded once, also if many rooms show this user. No
// answer has more than MAX_LIST_BYTES.

/** In the record of a user with rooms, these bytes are for the user: two names, an e-mail and the other fields. */
const MAX_PERSON_BYTES = 2_000;

/** The JSON of each user without their rooms, by the id of the user. */
type EncodedPeople = Map<string, string>;

/** The rooms and users of an answer, as stored. */
interface Stored {
  rooms: StoredRoom[];
  people: StoredPerson[];
}

/** Reads and encodes a list of users. In a list, users show no rooms. @throws Refusal `too_many_reads` */
export async function encodeUsers(
  gateway: GatewayContext,
  viewerId: string,
  read: () => Promise<StoredPerson[]>,
): Promise<string> {
  const people = await encodePeople(gateway, await gateway.turns.lists.run(viewerId, read));
  return encodeList([...people.values()].map((person) => withRooms(person, [])));
}

/** Reads and encodes a list of rooms with their users. @throws Refusal `too_many_reads` */
export async function encodeRooms(
  gateway: GatewayContext,
  viewerId: string,
  read: () => Promise<StoredRoom[]>,
): Promise<string> {
  const { rooms, people } = await gateway.turns.lists.run(viewerId, async () =>
    addPeople(gateway, await read(), viewerId),
  );
  return encodeList(withUsers(rooms, await encodePeople(gateway, people)));
}

/**
 * Reads and encodes a room with its users.
 * @param isAfterCommand true if the command of the viewer is already committed. Then the read is never refused.
 * @throws Refusal `no_such_room`, also if the viewer may not see the room, or `too_many_reads`
 */
export async function encodeRoom(
  gateway: GatewayContext,
  id: string,
  viewerId: string,
  isAfterCommand = false,
): Promise<string> {
  const read = async () => {
    const room = await gateway.reads.room(id, viewerId);
    if (!room) throw new Refusal('no_such_room');
    return addPeople(gateway, [room], viewerId);
  };
  const { rooms, people } = await gateway.turns.lists.run(viewerId, read, isAfterCommand);
  return withUsers(rooms, await encodePeople(gateway, people)).join();
}

/**
 * Reads and encodes a user with their rooms.
 * @param isAfterCommand true if the command of the viewer is already committed. Then the read is never refused.
 * @throws Refusal `no_such_user` or `too_many_reads`
 */
export async function encodeUser(
  gateway: GatewayContext,
  id: string,
  viewerId: string,
  isAfterCommand = false,
): Promise<string> {
  const read = async () => addPeople(gateway, await gateway.reads.roomsOfUser(id, viewerId), viewerId, id);
  const { rooms, people } = await gateway.turns.lists.run(viewerId, read, isAfterCommand);
  const encoded = await encodePeople(gateway, people);
  const person = encoded.get(id);
  if (person === undefined) throw new Refusal('no_such_user');
  return withRooms(person, withUsers(rooms, encoded));
}

/** Reads the users that the rooms show, and more users. */
async function addPeople(
  gateway: GatewayContext,
  rooms: StoredRoom[],
  viewerId: string,
  ...moreIds: string[]
): Promise<Stored> {
  const ids = new Set([...moreIds, ...rooms.flatMap(({ userIds }) => userIds)]);
  return { rooms, people: await gateway.reads.people([...ids], viewerId) };
}

/** Call this after the turn of the reads. Otherwise a Redis that hangs would keep all turns. */
async function encodePeople(gateway: GatewayContext, people: StoredPerson[]): Promise<EncodedPeople> {
  const online = await gateway.liveRooms.whoIsOnline(people.map(({ id }) => id));
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
