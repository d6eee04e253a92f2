import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { Id, newId } from './ids.ts';

test('a new id is a UUID of version 7 that contains the time of its creation', () => {
  const before = Date.now();
  const id = newId();
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const made = Number.parseInt(id.replace('-', '').slice(0, 12), 16);
  assert.ok(made >= before && made <= Date.now(), `${made}`);
  assert.equal(new Set(Array.from({ length: 10_000 }, newId)).size, 10_000);
});

test('an id in upper case is equal to the id in lower case', () => {
  const id = newId();
  assert.equal(v.parse(Id, id.toUpperCase()), id);
  assert.ok(!v.is(Id, `${id}0`));
});
