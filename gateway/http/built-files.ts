import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { Refusal } from '../../shared/contract/errors.ts';
import { ServedFile } from './served-file.ts';

export const SCRIPT = 'text/javascript; charset=utf-8';
export const STYLE = 'text/css; charset=utf-8';
export const MARKDOWN = 'text/markdown; charset=utf-8';
export const TEXT = 'text/plain; charset=utf-8';
export const HTML = 'text/html; charset=utf-8';

const root = join(import.meta.dirname, '../..');

export interface BuiltFilesOptions {
  /** The content type of each kind of file, such as `{'.js': 'text/javascript'}`. Other files are not served. */
  types: Record<string, string>;
  cacheSeconds: number;
  policy?: string;
}

/**
 * The files of a folder that `npm run build` makes. They are read at the first request, so a gateway without them runs
 * too. Only a name that was in the folder then is found.
 */
export function builtFiles(folder: string, { types, ...options }: BuiltFilesOptions) {
  const open = (name: string) => {
    const type = types[extname(name)] as string;
    return new ServedFile(readFileSync(join(root, folder, name)), { type, ...options });
  };
  const read = () => {
    const names = readdirSync(join(root, folder)).filter((name) => extname(name) in types);
    return new Map(names.map((name) => [name, open(name)]));
  };
  let files: Map<string, ServedFile> | undefined;
  return {
    /** @throws Refusal `no_such_route` if there is no such file, or if nothing was built */
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
