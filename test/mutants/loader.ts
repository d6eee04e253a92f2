import fs from 'node:fs';
import { registerHooks, syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { mutants } from './mutants.ts';

// `node --import=<this file>` with MUTANT=<name> runs a process with the wrong version of one file. Code is changed when
// it is loaded, SQL when it is read.

const mutant = mutants.find(({ name }) => name === process.env.MUTANT);
if (!mutant) throw new Error(`there is no mutant ${process.env.MUTANT}`);
const { find, replace } = mutant;
const path = join(import.meta.dirname, '../..', mutant.file);
const { href } = pathToFileURL(path);
const change = (text: string) => text.replace(find, () => replace);

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    return url === href ? { ...loaded, source: change(String(loaded.source)) } : loaded;
  },
});

const { readFileSync } = fs;
const readChanged = (file: unknown, ...options: unknown[]) => {
  const content = Reflect.apply(readFileSync, fs, [file, ...options]);
  return String(file).replace('/./', '/').replace('//', '/') === path && typeof content === 'string'
    ? change(content)
    : content;
};
if (path.endsWith('.sql')) fs.readFileSync = readChanged as typeof readFileSync;
syncBuiltinESMExports();
