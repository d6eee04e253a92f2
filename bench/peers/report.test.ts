import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replaceSection } from './report.ts';

test('a section of the report is added, and replaced when it is measured again', () => {
  const first = replaceSection('# Title\n', 'closed loop', 'one');
  assert.equal(first, '# Title\n\n## closed loop\n\none\n');
  const second = replaceSection(first, 'open loop', 'two');
  assert.equal(second, '# Title\n\n## closed loop\n\none\n\n## open loop\n\ntwo\n');
  assert.equal(
    replaceSection(second, 'closed loop', 'three'),
    '# Title\n\n## open loop\n\ntwo\n\n## closed loop\n\nthree\n',
  );
});
