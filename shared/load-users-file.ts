import * as v from 'valibot';
import { Id } from './contract/ids.ts';

/** An account for load tests. */
const LoadUser = v.object({ id: Id, email: v.string(), token: v.string() });

/** The file that `npm run admin -- load-users` writes. The load scripts of `bench/` read it. */
export const LoadUsersFile = v.object({
  /** The password of every load user. */
  password: v.string(),
  /** Each load user is a member of one room. The first user of a room is its owner. */
  rooms: v.array(v.object({ id: Id, users: v.array(LoadUser) })),
});
export type LoadUsersFile = v.InferOutput<typeof LoadUsersFile>;

/** Where the file is, if no other place is given: a path from the folder of the checkout. */
export const LOAD_USERS_PATH = '.rooms/load-users.json';
