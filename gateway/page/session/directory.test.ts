import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../../shared/client/http.ts';
import { until } from '../../../test/support/until.ts';
import { Directory } from './directory.ts';

test('each unknown user is loaded once, and two at a time', async () => {
  const waiting: { path: string; answer(): void }[] = [];
  const directory = new Directory(<T>(_method: string, path: string) => {
    const { promise, resolve } = Promise.withResolvers<Answer<T>>();
    const body = { id: path.split('/').at(-1), firstName: 'Ann', lastName: path.at(-1) } as T;
    waiting.push({ path, answer: () => resolve({ body, headers: new Headers() }) });
    return promise;
  });
  for (const id of ['a', 'b', 'c', 'a']) assert.equal(directory.nameOf(id), '');
  assert.deepEqual(
    waiting.map(({ path }) => path),
    ['/api/users/a', '/api/users/b'],
  );
  let changes = 0;
  directory.subscribe(() => changes++);
  waiting[0]?.answer();
  await until(() => waiting.length === 3);
  assert.equal(directory.nameOf('a'), 'Ann a');
  assert.equal(changes, 1);
  waiting[2]?.answer();
  await until(() => directory.nameOf('c') === 'Ann c');
  assert.equal(waiting.length, 3);
});

test('a user of an earlier answer is not loaded', () => {
  const directory = new Directory(() => assert.fail('a request'));
  directory.add([{ id: 'a', firstName: 'Ann', lastName: 'Example' }]);
  assert.equal(directory.nameOf('a'), 'Ann Example');
  directory.add([{ id: 'a', firstName: 'Anna', lastName: 'Example', isOnline: true }]);
  const anna = { id: 'a', firstName: 'Anna', lastName: 'Example', isOnline: true };
  assert.deepEqual(directory.userOf('a'), anna);
});

test('the same members again change nothing, so the rows of a room are not made again', () => {
  const directory = new Directory(() => assert.fail('a request'));
  const members = [{ id: 'a', firstName: 'Ann', lastName: 'Example' }, { id: 'b' }];
  directory.add(members);
  const known = directory.getSnapshot();
  directory.add([...members]);
  assert.equal(directory.getSnapshot(), known);
});
