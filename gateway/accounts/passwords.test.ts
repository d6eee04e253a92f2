import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { after, mock, test } from 'node:test';
import argon2 from 'argon2';
import { HASH_PARAMETERS, impossibleHash } from '../../shared/hash-password.ts';
import { Passwords } from './passwords.ts';

const ADDRESS = '10.0.0.1';
const passwords = new Passwords({ HASHES_PER_ADDRESS: 100 });
after(() => passwords.close());
const hash = await passwords.hash('correct horse', ADDRESS);

/** @returns the process id of the hasher */
function hasherPid(): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.filter((pid) => {
    try {
      const parent = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1];
      return parent === `${process.pid}` && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('hasher.ts');
    } catch {
      return false; // the process has ended
    }
  });
  assert.equal(found.length, 1);
  return Number(found[0]);
}

test('a password matches only its own hash, and without a hash no password matches', async () => {
  assert.match(hash, /^\$argon2id\$v=19\$m=19456,p=1,t=2\$/);
  assert.deepEqual(await passwords.verify(hash, 'correct horse', ADDRESS), { isRight: true, isOld: false });
  assert.deepEqual(await passwords.verify(hash, 'battery staple', ADDRESS), { isRight: false, isOld: false });
  assert.deepEqual(await passwords.verify(undefined, '', ADDRESS), { isRight: false, isOld: false });
});

test('the hash that no password has is compared with the same parameters as other hashes', async () => {
  const impossible = impossibleHash();
  assert.equal(await argon2.verify(impossible, 'correct horse'), false);
  assert.equal(argon2.needsRehash(impossible, HASH_PARAMETERS), false);
});

test('a password matches a hash with older parameters, and the hash is reported as old', async () => {
  const older = await argon2.hash('correct horse', { memoryCost: 8_192, timeCost: 3, parallelism: 1 });
  assert.deepEqual(await passwords.verify(older, 'correct horse', ADDRESS), { isRight: true, isOld: true });
});

test('a password matches a bcrypt hash of the original, and the hash is reported as old', async () => {
  // golang.org/x/crypto/bcrypt made this hash. Other programs use the prefixes $2b$ and $2y$ for the same hash.
  const rest = '10$JKjV7vWsHbG/.myoVpKqeOHwXgtwO6Zlmlja/569cUcrgWQGprmpK';
  for (const prefix of ['$2a$', '$2b$', '$2y$']) {
    assert.deepEqual(await passwords.verify(prefix + rest, 'correct horse', ADDRESS), { isRight: true, isOld: true });
    assert.deepEqual(await passwords.verify(prefix + rest, 'battery staple', ADDRESS), {
      isRight: false,
      isOld: false,
    });
  }
});

test('a wrong password takes at least 200 ms, so the time does not show whether there is an account or which hash it has', async () => {
  const bcryptHash = '$2a$10$JKjV7vWsHbG/.myoVpKqeOHwXgtwO6Zlmlja/569cUcrgWQGprmpK';
  for (const each of [hash, bcryptHash, undefined]) {
    const start = performance.now();
    assert.equal((await passwords.verify(each, 'battery staple', ADDRESS)).isRight, false);
    // A timer of Node can fire some milliseconds early on a busy machine. A comparison alone takes less than half of this.
    assert.ok(performance.now() - start >= 190, `${performance.now() - start} ms`);
  }
});

test('bcrypt ignores what follows 72 bytes of a password, so the hash of a longer password is not reported as old', async () => {
  // golang.org/x/crypto/bcrypt made this hash of 93 bytes, in the version that the original used.
  const longHash = '$2a$10$fWxFUflIuoLQxj7JiZPYhetfyub4MZyRIeIulD3nxr8/R8WOc93S.';
  const password = `пароль-${'ж'.repeat(40)}`;
  assert.deepEqual(await passwords.verify(longHash, password, ADDRESS), { isRight: true, isOld: false });
  assert.deepEqual(await passwords.verify(longHash, `${password.slice(0, 40)}another end`, ADDRESS), {
    isRight: true,
    isOld: false,
  });
  assert.deepEqual(await passwords.verify(longHash, password.slice(0, 30), ADDRESS), { isRight: false, isOld: false });
});

test('a text that is not a hash is refused, and the next request is answered', async () => {
  await assert.rejects(passwords.verify('nonsense', 'correct horse', ADDRESS), { code: 'busy' });
  assert.equal((await passwords.verify(hash, 'correct horse', ADDRESS)).isRight, true);
});

test('of 100 requests at the same time, 66 are answered and all others are refused as busy', async () => {
  const results = await Promise.allSettled(
    Array.from({ length: 100 }, () => passwords.verify(hash, 'correct horse', ADDRESS)),
  );
  const answered = results.filter((each) => each.status === 'fulfilled');
  const refused = results.filter((each) => each.status === 'rejected');
  assert.equal(answered.length, 66);
  assert.deepEqual([...new Set(refused.map(({ reason }) => reason.code))], ['busy']);
  passwords.checkCapacity(ADDRESS);
});

test('the hasher has the lowest priority, and after it dies a new hasher starts', async () => {
  const first = hasherPid();
  assert.equal(getPriority(first), 19);
  const requests = Promise.allSettled(
    Array.from({ length: 5 }, () => passwords.verify(hash, 'correct horse', ADDRESS)),
  );
  process.kill(first, 'SIGKILL');
  const statuses = (await requests).map(({ status }) => status);
  assert.deepEqual(statuses, ['rejected', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
  assert.notEqual(hasherPid(), first);
});

test('after 20 seconds without an answer, a new hasher replaces the hasher', async () => {
  const first = hasherPid();
  mock.timers.enable({ apis: ['setTimeout'] });
  process.kill(first, 'SIGSTOP');
  const request = passwords.verify(hash, 'correct horse', ADDRESS);
  mock.timers.tick(20_000);
  await assert.rejects(request, { code: 'busy' });
  mock.timers.reset();
  assert.equal((await passwords.verify(hash, 'correct horse', ADDRESS)).isRight, true);
  assert.notEqual(hasherPid(), first);
});

/** A busy machine can stop the thread of one hash for long. Without turns, another address is the last one each time. */
const ATTEMPTS = 5;

test('an address has two open requests, eight more wait for them, and another address does not', async () => {
  const limited = new Passwords({ HASHES_PER_ADDRESS: 2 });
  after(() => limited.close());
  const order: string[] = [];
  const ask = (address: string) =>
    limited.verify(hash, 'correct horse', address).then(
      () => order.push(address),
      ({ code }) => order.push(code),
    );
  let place = 0;
  for (let attempt = 0; attempt < ATTEMPTS && (place === 0 || place >= 8); attempt++) {
    order.splice(0);
    await Promise.all([...Array.from({ length: 11 }, () => ask(ADDRESS)), ask('10.0.0.2')]);
    assert.equal(order.shift(), 'rate_limited');
    assert.equal(order.filter((each) => each === ADDRESS).length, 10);
    place = order.indexOf('10.0.0.2');
  }
  // Two passwords are hashed at the same time, and the second can be ready first. Without turns, it would be the tenth.
  assert.ok(place < 8, `${order}`);
  await ask(ADDRESS);
  assert.equal(order.at(-1), ADDRESS);
});

test('all addresses of a /48 network have 20 requests at the same time, and another network is answered', async () => {
  const limited = new Passwords({ HASHES_PER_ADDRESS: 2 });
  after(() => limited.close());
  const networks = Array.from({ length: 33 }, (_, index) => `2001:db8:1:${index}::/64`);
  const asked = [...networks, '2001:db8:2:0::/64'].map((address) => limited.verify(hash, 'correct horse', address));
  const results = (await Promise.allSettled(asked)).map((each) =>
    each.status === 'fulfilled' ? 'answered' : each.reason.code,
  );
  assert.deepEqual(results, [...Array(20).fill('answered'), ...Array(13).fill('rate_limited'), 'answered']);
});

test('requests that wait for their address are refused when the gateway stops', async () => {
  const stopping = new Passwords({ HASHES_PER_ADDRESS: 1 });
  const asked = Promise.allSettled(Array.from({ length: 5 }, () => stopping.hash('correct horse', ADDRESS)));
  stopping.close();
  const codes = (await asked).map((each) => (each.status === 'rejected' ? each.reason.code : 'answered'));
  assert.deepEqual(codes, Array(5).fill('busy'));
});
