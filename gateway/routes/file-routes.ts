import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal } from '../../shared/contract/errors.ts';
import type { GatewayContext } from '../edge/gateway-context.ts';
import type { OpenRequest } from '../http/route.ts';
import { ServedFile } from '../http/served-file.ts';

export const SCRIPT = 'text/javascript; charset=utf-8';
export const STYLE = 'text/css; charset=utf-8';
export const HTML = 'text/html; charset=utf-8';

const HOUR = 3_600;
const YEAR = 365 * 24 * HOUR;
const root = join(import.meta.dirname, '../..');

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

const client = builtFiles('shared/client/dist', { '.js': SCRIPT }, HOUR);
/** The names of these files change with their content. */
const page = builtFiles('gateway/page/dist', { '.js': SCRIPT, '.css': STYLE }, YEAR);
const pageHtml = builtFiles('gateway/page/dist', { '.html': HTML }, 0, PAGE_POLICY);

/** The client library for browsers. @throws Refusal `no_such_route` if it was not built */
export function clientLibrary(): ServedFile {
  return client.get('rooms.js');
}

/** The page. @throws Refusal `no_such_route` if it was not built */
export function pageOfRooms(): ServedFile {
  return pageHtml.get('index.html');
}

/** A script or the styles of the page. @throws Refusal `no_such_route` */
export function pageFile(
  _: GatewayContext,
  { parameters }: OpenRequest & { parameters: { file: string } },
): ServedFile {
  return page.get(parameters.file);
}

/**
 * The files of a folder that `npm run build` makes. They are read at the first request, so a gateway without them runs
 * too. Only a name that was in the folder then is found.
 */
function builtFiles(folder: string, types: Record<string, string>, cacheSeconds: number, policy?: string) {
  let files: Map<string, ServedFile> | undefined;
  const read = () => {
    const names = readdirSync(join(root, folder));
    const served = names.flatMap((name) => {
      const type = types[/\.\w+$/.exec(name)?.[0] ?? ''];
      const open = (contentType: string) =>
        new ServedFile(readFileSync(join(root, folder, name)), { type: contentType, cacheSeconds, policy });
      return type ? [[name, open(type)] as const] : [];
    });
    return new Map(served);
  };
  return {
    get(name: string): ServedFile {
      try {
        files ??= read();
      } catch (error) {
        throw new Refusal('no_such_route', { text: 'the files are not built: npm run build', cause: error });
      }
      const file = files.get(name);
      if (!file) throw new Refusal('no_such_route');
      return file;
    },
  };
}
