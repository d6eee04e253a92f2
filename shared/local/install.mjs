// Installs the dependencies, if they are not those of the lock file. Plain JavaScript for any Node from 20 on:
// it runs before everything else, when the Node of the lock file is not there yet.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const stamp = `${root}/node_modules/.rooms-lock`;
const lock = createHash('sha256')
  .update(readFileSync(`${root}/package-lock.json`))
  .digest('hex');

if (readStamp() !== lock) {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    fail('it needs Linux on x64. Elsewhere: docker compose up');
  console.log('Installing the dependencies (npm ci, about 250 MB, 15 to 60 seconds) ...');
  const { status } = spawnSync('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) fail('npm ci did not succeed; what it said stands above. Is the npm registry within reach?');
  writeFileSync(stamp, lock);
}

function readStamp() {
  try {
    return readFileSync(stamp, 'utf8');
  } catch {
    return '';
  }
}

/** @param {string} why */
function fail(why) {
  console.error(`Rooms could not be installed: ${why}`);
  process.exit(1);
}
