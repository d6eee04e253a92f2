import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { logOf, readState, rowsOf } from '../../test/support/room-log.ts';
import { EMPTY_ROOM, fold } from './fold.ts';
import type { Message } from './protocol.ts';

/** A message that was edited has `mentions` without a value, and a message from HTTP does not have the field. */
const shown = (value: unknown) => JSON.parse(JSON.stringify(value));

test('a state, folded with the rows after it, is the state that a reader gets at the end', () => {
  const actions = fc.array(fc.record({ kind: fc.nat(7), pick: fc.nat(20) }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(actions, fc.nat(), (chosen, cut) => {
      const log = logOf(chosen);
      const last = cut % (log.length + 1);
      const folded = rowsOf(log)
        .slice(last)
        .reduce(fold, readState(log.slice(0, last)));
      assert.deepEqual(shown(folded), shown(readState(log)));
      // The live messages of the same time have the texts of then. They lead to the same state.
      const live = log.slice(last).reduce(fold, readState(log.slice(0, last)));
      assert.deepEqual(shown(live), shown(readState(log)));
    }),
    { numRuns: 300 },
  );
});

test('a message that is in the state already changes nothing', () => {
  const log = logOf([{ kind: 0, pick: 0 }]);
  const state = log.reduce(fold, EMPTY_ROOM);
  assert.equal(log.reduce(fold, state), state);
});

test('an edit whose text was erased changes nothing, because a later message has the change', () => {
  const log = logOf([
    { kind: 0, pick: 0 },
    { kind: 3, pick: 0 },
    { kind: 3, pick: 0 },
  ]);
  const before = log.slice(0, 2).reduce(fold, EMPTY_ROOM);
  const rows = rowsOf(log);
  assert.deepEqual(fold(before, rows[2] as Message), { ...before, seq: 3 });
  assert.equal(rows.slice(2).reduce(fold, before).messages[1]?.text, 'edit 4');
});
