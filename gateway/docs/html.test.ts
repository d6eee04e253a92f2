import assert from 'node:assert/strict';
import { test } from 'node:test';
import { html, withCode } from './html.ts';

test('a text in a template never becomes markup', () => {
  const text = `<img src=x onerror="a()"> & 'b'`;
  const escaped = '&lt;img src=x onerror=&quot;a()&quot;&gt; &amp; &#39;b&#39;';
  assert.equal(`${html`<p>${text}</p>`}`, `<p>${escaped}</p>`);
  assert.equal(`${html`<p>${withCode(`\`${text}\` is ${text}`)}</p>`}`, `<p><code>${escaped}</code> is ${escaped}</p>`);
});
