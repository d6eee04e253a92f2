import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitLinks } from './split-links.ts';

const linksOf = (text: string) => splitLinks(text).flatMap(({ url }) => url ?? []);

test('a link ends before the end of its sentence', () => {
  assert.deepEqual(linksOf('See https://a.example/b?c=d#e. And (http://b.example)!'), [
    'https://a.example/b?c=d#e',
    'http://b.example',
  ]);
});

test('only http and https become links', () => {
  for (const text of ['javascript:alert(1)', 'data:text/html,x', 'ftp://a.example', 'https://', '<b>no</b>'])
    assert.deepEqual(linksOf(text), [], text);
});

test('the parts together are the text', () => {
  const odd = ['', 'https://', 'x https://a.example', 'https://a.example https://b.example', 'https://é.example/☃ ok'];
  for (const text of [...odd, 'https://[::1', '"https://a.example"', 'https://a.example\nhttps://b.example,'])
    assert.equal(
      splitLinks(text)
        .map((part) => part.text)
        .join(''),
      text,
    );
});
