import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHeaderLines } from '../edge/header-lines.ts';
import { ServedFile } from './served-file.ts';

test('a file keeps the headers of every answer, also a value with a colon, and changes its own', () => {
  const lines = toHeaderLines({ 'Cache-Control': 'no-store', Link: '<a: b>; title: c' });
  const file = new ServedFile(Buffer.from(''), { type: 'text/css', cacheSeconds: 60, policy: "default-src 'none'" });
  const expected = {
    'Cache-Control': 'public, max-age=60',
    Link: '<a: b>; title: c',
    'Content-Security-Policy': "default-src 'none'",
  };
  assert.equal(file.headers(lines), toHeaderLines(expected));
});
