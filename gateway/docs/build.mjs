// Puts the pages at /docs, the documents of docs/ and the files of Swagger UI into `dist/`. This file is plain JavaScript for Node 20 or later,
// because shared/local/install.mjs runs it.
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';

const here = import.meta.dirname;
const guides = `${here}/../../docs`;
const viewer = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

rmSync(`${here}/dist`, { recursive: true, force: true });
cpSync(`${here}/pages`, `${here}/dist`, { recursive: true });
for (const name of readdirSync(guides).filter((each) => each.endsWith('.md')))
  cpSync(`${guides}/${name}`, `${here}/dist/${name}`);
for (const name of ['swagger-ui-bundle.js', 'swagger-ui.css']) cpSync(`${viewer}/${name}`, `${here}/dist/${name}`);
