import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashOf, parseRoute, type Route } from './hash-route.ts';

test('each route is the same after a reload', () => {
  const routes: Route[] = [{ page: 'rooms' }, { page: 'settings' }, { page: 'room', roomId: 'general' }];
  for (const route of [...routes, { page: 'room', roomId: 'a/b %' } as const])
    assert.deepEqual(parseRoute(hashOf(route)), route);
});

test('an unknown or damaged hash shows the rooms, and no error', () => {
  for (const hash of ['', '#', '#/nothing', '#/room/', '#/room'])
    assert.deepEqual(parseRoute(hash), { page: 'rooms' }, hash);
  assert.deepEqual(parseRoute('#/room/%'), { page: 'room', roomId: '%' });
});
