import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openTestGateway } from './support/in-process.ts';

// The files of the page, as a gateway serves them. What a person does with the page is in test/browser.

const MAX_SCRIPT_BYTES = 60 * 1024;

const { url } = await openTestGateway({});
const html = await (await fetch(url)).text();
const names = [...html.matchAll(/(?:src|href)="\/page\/([^"]+)"/g)].map(([, name]) => name as string);

test('the page may load only its own files, and no text can become markup', async () => {
  const { headers, status } = await fetch(`${url}/`);
  assert.deepEqual(
    [status, headers.get('content-type'), headers.get('cache-control')],
    [200, 'text/html; charset=utf-8', 'no-cache'],
  );
  const policy = headers.get('content-security-policy')?.split('; ') ?? [];
  assert.ok(
    policy.includes("default-src 'none'") && policy.includes("require-trusted-types-for 'script'"),
    `${policy}`,
  );
  assert.ok(!policy.some((rule) => /unsafe|https?:|\*/.test(rule)), `${policy}`);
  assert.deepEqual([headers.get('x-content-type-options'), headers.get('x-frame-options')], ['nosniff', 'DENY']);
});

test('the files of the page have a hash in their names, and may be cached for a year', async () => {
  assert.deepEqual(
    names.map((name) => name.replace(/-[A-Z0-9]{8}\./, '-HASH.')),
    ['style-HASH.css', 'page-HASH.js'],
  );
  for (const name of names) {
    const { status, headers } = await fetch(`${url}/page/${name}`);
    const type = name.endsWith('.js') ? 'text/javascript; charset=utf-8' : 'text/css; charset=utf-8';
    assert.deepEqual(
      [status, headers.get('content-type'), headers.get('cache-control')],
      [200, type, 'public, max-age=31536000'],
    );
  }
});

test('only the files of the page are served', async () => {
  for (const name of ['index.html', 'page.js', '..%2Fbuild.mjs', '..%2F..%2Fapp.ts', '%00', 'x'.repeat(101)]) {
    const { status, headers } = await fetch(`${url}/page/${name}`);
    assert.ok(status === 404 || status === 400, `${name}: ${status}`);
    assert.equal(headers.get('cache-control'), 'no-store');
  }
});

test('the scripts of the page have at most 60 KB, compressed', async () => {
  let bytes = 0;
  for (const name of names.filter((each) => each.endsWith('.js'))) {
    const script = await (await fetch(`${url}/page/${name}`)).arrayBuffer();
    bytes += gzipSync(script, { level: 9 }).length;
  }
  assert.ok(bytes > 0 && bytes <= MAX_SCRIPT_BYTES, `${bytes}`);
});
