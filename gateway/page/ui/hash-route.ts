import { State } from './state.ts';

/** What the page shows. It is in the hash of the URL, so a reload and the button "back" work. */
export type Route = { page: 'rooms' } | { page: 'room'; roomId: string } | { page: 'settings' };

/** @param hash such as `#/room/general` */
export function parseRoute(hash: string): Route {
  const [, page, id = ''] = hash.split('/');
  if (page === 'settings') return { page };
  if (page === 'room' && id) return { page, roomId: decodeSafely(id) };
  return { page: 'rooms' };
}

export function hashOf(route: Route): string {
  if (route.page === 'room') return `#/room/${encodeURIComponent(route.roomId)}`;
  return route.page === 'settings' ? '#/settings' : '#/';
}

/** The route of now. */
export function openRoute(): State<Route> {
  const state = new State(parseRoute(location.hash));
  addEventListener('hashchange', () => state.set(parseRoute(location.hash)));
  return state;
}

export function go(route: Route): void {
  location.hash = hashOf(route);
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
