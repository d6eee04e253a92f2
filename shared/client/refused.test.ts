import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusedBy } from './refused.ts';

async function refuse(status: number, body: string, headers: Record<string, string> = {}) {
  const { code, retry, retryAfter } = await refusedBy(new Response(body, { status, headers }));
  return { code, retry, retryAfter };
}

test('the answer of a gateway says whether to try again', async () => {
  const body = JSON.stringify({ code: 'wrong_otp', retry: 'no' });
  assert.deepEqual(await refuse(401, body), { code: 'wrong_otp', retry: 'no', retryAfter: 0 });
  const busy = JSON.stringify({ code: 'busy', retry: 'same_ref' });
  assert.deepEqual(await refuse(503, busy, { 'retry-after': '3' }), { code: 'busy', retry: 'same_ref', retryAfter: 3 });
});

test('a proxy that answers for a gateway does not end the client', async () => {
  // A proxy may name a date. Then the client waits as after any lost connection.
  const date = { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' };
  assert.equal((await refuse(503, '<html>Unavailable</html>', date)).retryAfter, 0);
  for (const status of [429, 500, 502, 503, 504])
    assert.equal((await refuse(status, '{"code":"unavailable"}')).retry, 'same_ref', `${status}`);
  assert.equal((await refuse(401, '{"code":"expired"}')).retry, 'after_login');
  assert.equal((await refuse(404, '{"code":"no_such_route"}')).retry, 'no');
  for (const page of ['<html>Bad Gateway</html>', '', '{}'])
    assert.deepEqual(await refuse(502, page), { code: 'unavailable', retry: 'same_ref', retryAfter: 0 });
});
