import type { TemplatedApp } from 'uWebSockets.js';
import type { Gateway } from './gateway.ts';
import { type EdgeContext, type Handler, type Method, route, routeOthers, withoutLimit } from './http/http.ts';
import { login, loginWithOtp, register, registerWithOtp, sendOtp } from './routes/account-routes.ts';
import { healthy, ready } from './routes/health-routes.ts';
import { createMessage, deleteMessage, listMessages, updateMessage } from './routes/message-routes.ts';
import { addUser, createRoom, deleteRoom, getRoom, listRooms, removeUser, updateRoom } from './routes/room-routes.ts';
import { createTicket, logOut, logOutAll } from './routes/token-routes.ts';
import {
  addRole,
  currentUser,
  getUser,
  listUsers,
  removeRole,
  searchUsers,
  updateUser,
  updateUserWithOtp,
} from './routes/user-routes.ts';
import { routeSockets, upgradeNeeded } from './sockets/sockets.ts';

type Routes = Partial<Record<Method, Handler>>;

/** The whole surface of a gateway: every route, and the socket. */
export function routeAll(app: TemplatedApp, gateway: Gateway): void {
  const health: Record<string, Routes> = {
    '/healthz': { get: healthy },
    '/readyz': { get: ready(gateway) },
  };
  const routes: Record<string, Routes> = {
    '/api/users': { get: listUsers(gateway) },
    '/api/users/send-otp': { post: sendOtp(gateway) },
    '/api/users/register': { post: register(gateway) },
    '/api/users/register-otp': { post: registerWithOtp(gateway) },
    '/api/users/login': { post: login(gateway) },
    '/api/users/login-otp': { post: loginWithOtp(gateway) },
    '/api/users/logout': { post: logOut(gateway) },
    '/api/users/logout-all': { post: logOutAll(gateway) },
    '/api/users/current': { get: currentUser(gateway) },
    '/api/users/update': { put: updateUser(gateway) },
    '/api/users/update-otp': { put: updateUserWithOtp(gateway) },
    '/api/users/email/:email': { get: searchUsers(gateway) },
    '/api/users/:id': { get: getUser(gateway) },
    '/api/users/:id/roles/:role': { post: addRole(gateway), del: removeRole(gateway) },
    '/api/rooms': { get: listRooms(gateway), post: createRoom(gateway) },
    '/api/rooms/:id': { get: getRoom(gateway), put: updateRoom(gateway), del: deleteRoom(gateway) },
    '/api/rooms/:room_id/users/:user_id': { post: addUser(gateway), del: removeUser(gateway) },
    // The seed's two paths are one here: a room's id for its messages, a message's id for itself.
    '/api/messages/:id': {
      get: listMessages(gateway),
      post: createMessage(gateway),
      put: updateMessage(gateway),
      del: deleteMessage(gateway),
    },
    '/api/ws': { get: upgradeNeeded },
    '/api/ws/ticket': { post: createTicket(gateway) },
  };
  const { addressOf, cors, limits, log } = gateway;
  const edge: EdgeContext = { addressOf, cors, admit: (address) => limits.request(address), log };
  routeSockets(app, gateway);
  for (const [path, handlers] of Object.entries(health)) route(app, path, handlers, withoutLimit(edge));
  for (const [path, handlers] of Object.entries(routes)) route(app, path, handlers, edge);
  routeOthers(app, edge);
}
