// Builds the page into `dist/`: its script and its styles, with a hash of their content in their names, and the
// `index.html` that names them. This file is plain JavaScript for Node 20 or later, because shared/local/install.mjs
// runs it.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const here = import.meta.dirname;
rmSync(`${here}/dist`, { recursive: true, force: true });

const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: { page: 'main.tsx', style: 'styles/main.css' },
  outdir: 'dist',
  entryNames: '[name]-[hash]',
  bundle: true,
  minify: true,
  metafile: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  jsxImportSource: 'preact',
});

/** @param {string} name of the entry @returns {string} its file, such as `page-KV4IULJT.js` */
function fileOf(name) {
  const file = Object.keys(metafile.outputs).find((path) => path.startsWith(`dist/${name}-`));
  if (!file) throw new Error(`the build made no file for ${name}`);
  return file.slice('dist/'.length);
}

const html = readFileSync(`${here}/index.html`, 'utf8')
  .replace('page.js', fileOf('page'))
  .replace('style.css', fileOf('style'));
writeFileSync(`${here}/dist/index.html`, html);
