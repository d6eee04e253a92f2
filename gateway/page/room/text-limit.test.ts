import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../shared/contract/limits.ts';
import { charactersLeft, MAX_TEXT_CHARACTERS } from './text-limit.ts';

test('the page has the limit of the server, and counts code points', () => {
  assert.equal(MAX_TEXT_CHARACTERS, limits.MAX_TEXT_CHARACTERS);
  assert.equal(charactersLeft('👩‍💻'), limits.MAX_TEXT_CHARACTERS - 3);
  assert.equal(charactersLeft('x'.repeat(501)), -1);
});
