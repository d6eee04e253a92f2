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
if (newestIn(client) > newestIn(`${client}/dist`))
  spawnSync(process.execPath, [`${client}/build.mjs`], { stdio: 'inherit' });

/** @param {string} folder @returns the time at which a file in the folder was last changed, in ms */
function newestIn(folder) {
  try {
    const files = readdirSync(folder).map((name) => statSync(`${folder}/${name}`));
    return Math.max(0, ...files.filter((file) => file.isFile()).map((file) => file.mtimeMs));
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
