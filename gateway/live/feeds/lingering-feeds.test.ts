import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { limits } from '../../../shared/contract/limits.ts';
import { LingeringFeeds } from './lingering-feeds.ts';

let now = 0;
beforeEach(() => {
  now = 0;
  mock.timers.enable({ apis: ['setInterval'] });
  mock.method(performance, 'now', () => now);
});
afterEach(() => {
  mock.timers.reset();
  mock.restoreAll();
});

function pass(seconds: number): void {
  for (let second = 0; second < seconds; second++) {
    now += 1_000;
    mock.timers.tick(1_000);
  }
}

function newFeed(hasRecent = true) {
  const close = () => {
    feed.isClosed = true;
  };
  const feed = { hasRecent, isClosed: false, close };
  return feed;
}

test('a feed that nobody retains stays for a minute, although it gets messages', () => {
  const lingering = new LingeringFeeds();
  const feed = newFeed();
  lingering.add(feed);
  pass(55);
  lingering.add(feed);
  assert.equal(feed.isClosed, false);
  pass(10);
  assert.equal(feed.isClosed, true);
  assert.equal(lingering.count, 0);
});

test('a feed that is retained again is not closed', () => {
  const lingering = new LingeringFeeds();
  const feed = newFeed();
  lingering.add(feed);
  lingering.remove(feed);
  pass(120);
  assert.equal(feed.isClosed, false);
});

test('a feed without records is closed at once', () => {
  const feed = newFeed(false);
  new LingeringFeeds().add(feed);
  assert.equal(feed.isClosed, true);
});

test('the oldest feed is closed when too many feeds linger', () => {
  const lingering = new LingeringFeeds();
  const first = newFeed();
  lingering.add(first);
  for (let count = 1; count < limits.MAX_LINGERING_ROOMS; count++) lingering.add(newFeed());
  assert.equal(first.isClosed, false);
  lingering.add(newFeed());
  assert.equal(first.isClosed, true);
  assert.equal(lingering.count, limits.MAX_LINGERING_ROOMS);
});

test('after the end of all feeds, none lingers', () => {
  const lingering = new LingeringFeeds();
  lingering.close();
  const feed = newFeed();
  lingering.add(feed);
  assert.equal(feed.isClosed, true);
});
