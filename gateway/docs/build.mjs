// Puts the pages at /docs, the documents of docs/, the README of the client library and the files of Swagger UI into
// `dist/`. This file is plain JavaScript for Node 20 or later, because shared/local/install.mjs runs it.
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';

const here = import.meta.dirname;
const guides = `${here}/../../docs`;
const viewer = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

rmSync(`${here}/dist`, { recursive: true, force: true });
cpSync(`${here}/pages`, `${here}/dist`, { recursive: true });
for (const name of readdirSync(guides).filter((each) => each.endsWith('.md'))) copyPage(`${guides}/${name}`, name);
copyPage(`${here}/../../shared/client/README.md`, 'client-library.md');
for (const name of ['swagger-ui-bundle.js', 'swagger-ui.css']) cpSync(`${viewer}/${name}`, `${here}/dist/${name}`);

/**
 * Copies a page. On a gateway all pages are in one folder, so links between them get other paths.
 * @param {string} source @param {string} name
 */
function copyPage(source, name) {
  const text = readFileSync(source, 'utf8')
    .replaceAll('](../shared/client/README.md', '](client-library.md')
    .replaceAll('](../../docs/', '](');
  writeFileSync(`${here}/dist/${name}`, text);
}
