import type { GatewayContext } from '../edge/gateway-context.ts';
import { builtFiles, HTML, SCRIPT, STYLE } from '../http/built-files.ts';
import type { OpenRequest } from '../http/route.ts';
import type { ServedFile } from '../http/served-file.ts';

const HOUR_SECONDS = 3_600;
const YEAR_SECONDS = 365 * 24 * HOUR_SECONDS;

/**
 * What the page may do: load its own script, styles and images, and call this gateway. It can neither be shown inside
 * another page nor make markup from text.
 */
const PAGE_POLICY = [
  "default-src 'none'",
  ...["script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'"],
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ...["require-trusted-types-for 'script'", "trusted-types 'none'"],
].join('; ');

const client = builtFiles('shared/client/dist', { types: { '.js': SCRIPT }, cacheSeconds: HOUR_SECONDS });
const page = builtFiles('gateway/page/dist', { types: { '.html': HTML }, cacheSeconds: 0, policy: PAGE_POLICY });
/** The names of these files change with their content. */
const pageFiles = builtFiles('gateway/page/dist', {
  types: { '.js': SCRIPT, '.css': STYLE },
  cacheSeconds: YEAR_SECONDS,
});

/** The client library for browsers. @throws Refusal `no_such_route` if it was not built */
export const clientLibrary = () => client.get('rooms.js');

/** The parts of the client library for presence, typing and unread counts. @throws Refusal `no_such_route` */
export const clientPeople = () => client.get('people.js');

/** The page. @throws Refusal `no_such_route` if it was not built */
export const pageOfRooms = () => page.get('index.html');

/** A script or the styles of the page. @throws Refusal `no_such_route` */
export function pageFile(
  _: GatewayContext,
  { parameters }: OpenRequest & { parameters: { file: string } },
): ServedFile {
  return pageFiles.get(parameters.file);
}
