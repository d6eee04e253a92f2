import { randomUUID } from 'node:crypto';
import type autocannon from 'autocannon';
import type { LoadUsersFile } from '../../shared/load-users-file.ts';

type Requests = autocannon.Request[];
type Room = LoadUsersFile['rooms'][number];

/** Requests of one kind. Each connection of autocannon sends them again and again. */
export interface Load {
  name: string;
  /** Returns the requests of the connection that uses this room and the token of this user. */
  requests: (room: Room, user: Room['users'][number], password: string) => Requests;
}

const JSON_BODY = { 'content-type': 'application/json' };
const authorization = (user: { token: string }) => ({ authorization: `Bearer ${user.token}` });

const read = (name: string, pathOf: (room: Room) => string): Load => ({
  name,
  requests: (room, user) => [{ method: 'GET', path: pathOf(room), headers: authorization(user) }],
});

const write: Load = {
  name: 'write a message',
  requests: (room, user) => [
    {
      method: 'POST',
      path: `/api/messages/${room.id}`,
      body: JSON.stringify({ text: 'Hello World!' }),
      headers: { ...JSON_BODY, ...authorization(user) },
      // Every request is another command. With the same key, a request would have no effect.
      setupRequest: (request) => ({ ...request, headers: { ...request.headers, 'idempotency-key': randomUUID() } }),
    },
  ],
};

const login: Load = {
  name: 'log in',
  requests: (_room, { email }, password) => [
    { method: 'POST', path: '/api/users/login', body: JSON.stringify({ email, password }), headers: JSON_BODY },
  ],
};

/** The loads of each command. They run one after the other. */
export const loads = {
  reads: [
    read('history', ({ id }) => `/api/messages/${id}?size=20`),
    read('rooms', () => '/api/rooms'),
    read('current user', () => '/api/users/current'),
  ],
  writes: [write],
  login: [login],
} satisfies Record<string, Load[]>;
