import type { TemplatedApp } from 'uWebSockets.js';
import type { Gateway } from './gateway.ts';
import { type Handler, type Method, route, routeOthers } from './http.ts';
import { healthy, ready } from './routes/health.ts';
import { createMessage, deleteMessage, listMessages, updateMessage } from './routes/messages.ts';
import { addUser, createRoom, deleteRoom, getRoom, listRooms, removeUser, updateRoom } from './routes/rooms.ts';
import { currentUser, login, register } from './routes/users.ts';
import { routeSockets, upgradeNeeded } from './sockets.ts';

/** The whole surface of a gateway: every route, and the socket. */
export function routeAll(app: TemplatedApp, gateway: Gateway): void {
  const routes: Record<string, Partial<Record<Method, Handler>>> = {
    '/healthz': { get: healthy },
    '/readyz': { get: ready(gateway) },
    '/api/users/register': { post: register(gateway) },
    '/api/users/login': { post: login(gateway) },
    '/api/users/current': { get: currentUser(gateway) },
    '/api/rooms': { get: listRooms(gateway), post: createRoom(gateway) },
    '/api/rooms/:room_id/users/:user_id': { post: addUser(gateway), del: removeUser(gateway) },
    '/api/ws': { get: upgradeNeeded },
    '/api/rooms/:id': { get: getRoom(gateway), put: updateRoom(gateway), del: deleteRoom(gateway) },
    // The seed's two paths are one here: a room's id for its messages, a message's id for itself.
    '/api/messages/:id': {
      get: listMessages(gateway),
      post: createMessage(gateway),
      put: updateMessage(gateway),
      del: deleteMessage(gateway),
    },
  };
  routeSockets(app, gateway);
  for (const [path, handlers] of Object.entries(routes)) route(app, path, handlers, gateway.log);
  routeOthers(app, gateway.log);
}
