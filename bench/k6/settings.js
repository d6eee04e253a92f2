import { SharedArray } from 'k6/data';

// The settings of all scripts. Each one is an environment variable: k6 run -e URL=… -e RATE=… chat.js

/** @typedef {import('../../shared/load-users-file.ts').LoadUsersFile['rooms'][number]} LoadRoom */

/** The URL of a gateway or of a load balancer, without a slash at the end. */
export const url = __ENV.URL || 'http://localhost:8080';
export const socketUrl = `${url.replace(/^http/, 'ws')}/api/ws`;

const path = __ENV.USERS || '../../.rooms/load-users.json';

/** The rooms of the load users. k6 keeps them once for all virtual users. */
const allRooms = new SharedArray('rooms', () => /** @type {LoadRoom[]} */ (JSON.parse(readUsers()).rooms));

/** How many rooms are used, and how many members of each. By default: all of the file. */
export const roomCount = readNumber('ROOMS', allRooms.length);
export const memberCount = readNumber('MEMBERS', allRooms[0]?.users.length ?? 0);
if (roomCount > allRooms.length || memberCount > (allRooms[0]?.users.length ?? 0))
  throw new Error(`${path} has no ${roomCount} rooms with ${memberCount} members. Make load users again.`);

/** @param {number} index from 0 to `roomCount - 1` @returns {LoadRoom} the room with the members that are used */
export function roomAt(index) {
  const { id, users } = /** @type {LoadRoom} */ (allRooms[index]);
  return { id, users: users.slice(0, memberCount) };
}

/** @param {string} name @param {number} standard the value if the variable is not set */
export function readNumber(name, standard) {
  const text = __ENV[name] || `${standard}`;
  if (!/^\d+(\.\d+)?$/.test(text) || Number(text) <= 0) throw new Error(`${name} must be a number above 0`);
  return Number(text);
}

/** @param {{ token: string }} user */
export function authorization({ token }) {
  return { Authorization: `Bearer ${token}` };
}

function readUsers() {
  try {
    return open(path);
  } catch (error) {
    throw new Error(`${error}. First make load users: npm run admin -- load-users 1000`);
  }
}
