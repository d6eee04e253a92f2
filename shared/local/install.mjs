// Installs the dependencies if node_modules does not match the lock file, and builds the client if it is older than its
// sources. This file is plain JavaScript for Node 20 or later: at its start, the Node of the lock file is not installed
// yet.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** Holds the hash of the lock file from which node_modules was installed. */
const stampFile = `${root}/node_modules/.rooms-lock`;
const lockHash = createHash('sha256')
  .update(readFileSync(`${root}/package-lock.json`))
  .digest('hex');

if (readStamp() !== lockHash) {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    fail('Rooms needs Linux on x64. On other systems use: docker compose up');
  console.log('Installing the dependencies (npm ci, about 250 MB, 15 to 60 seconds) ...');
  const { status } = spawnSync('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) fail('npm ci failed; its output is above. Can this machine reach the npm registry?');
  writeFileSync(stampFile, lockHash);
}

const client = `${root}/shared/client`;
const page = `${root}/gateway/page`;
buildIfOlder(client, [client]);
buildIfOlder(page, [client, page]);
buildIfOlder(`${root}/gateway/docs`, [`${root}/gateway/docs`, `${root}/docs`, client]);

/**
 * Runs the build of a folder, if one of its sources is newer than what it built.
 * @param {string} folder @param {string[]} sources
 */
function buildIfOlder(folder, sources) {
  if (Math.max(...sources.map(newestIn)) <= newestIn(`${folder}/dist`)) return;
  spawnSync(process.execPath, [`${folder}/build.mjs`], { stdio: 'inherit' });
}

/**
 * @param {string} folder
 * @returns {number} the time at which a file in the folder or below it, but not in dist, was last changed, in ms
 */
function newestIn(folder) {
  try {
    const times = readdirSync(folder, { withFileTypes: true })
      .filter(({ name }) => name !== 'dist')
      .map((entry) => {
        const path = `${folder}/${entry.name}`;
        return entry.isDirectory() ? newestIn(path) : statSync(path).mtimeMs;
      });
    return Math.max(0, ...times);
  } catch {
    return 0;
  }
}

function readStamp() {
  try {
    return readFileSync(stampFile, 'utf8');
  } catch {
    return '';
  }
}

/** @param {string} reason */
function fail(reason) {
  console.error(`The dependencies could not be installed: ${reason}`);
  process.exit(1);
}
