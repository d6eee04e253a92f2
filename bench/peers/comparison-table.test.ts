import assert from 'node:assert/strict';
import { test } from 'node:test';
import { comparisonTable } from './comparison-table.ts';

const figures = (acked: number) => ({
  'acked/s': acked,
  'deliveries/s': 10 * acked,
  'delivery p50 ms': 2,
  'delivery p99 ms': 9,
  'server CPU s/100k': 1_000 / acked,
  'client cores': 0.5,
  'other cores': 0,
  ...{ 'not acked': 0, lost: 0, doubled: 1, 'out of order': 2 },
});

test('a ratio compares two runs of the same turn, and the table shows the median and the spread', () => {
  const turns = [
    [300, 100],
    [400, 200],
    [900, 100],
  ].map(
    ([rooms, other]) =>
      new Map([
        ['Rooms', figures(rooms as number)],
        ['Other', figures(other as number)],
      ]),
  );
  const [, , rooms, other] = comparisonTable(turns, 'Rooms').split('\n');
  assert.match(rooms ?? '', /^\| Rooms \| 400 \(300 to 900\) \| 1 \| 4,000 \(3,000 to 9,000\) \| 2\.00 \/ 9\.00 \|/);
  assert.match(other ?? '', /^\| Other \| 100 \(100 to 200\) \| 3\.00 \(2\.00 to 9\.00\) \|/);
  assert.match(other ?? '', /\| 0 \/ 0 \/ 3 \/ 6 \|$/);
});

test('a figure that a peer does not have is a dash', () => {
  const turns = [
    new Map<string, Record<string, number>>([
      ['Rooms', figures(100)],
      ['Insert', { 'acked/s': 50 }],
    ]),
  ];
  assert.match(
    comparisonTable(turns, 'Rooms'),
    /\| Insert \| 50\.0 \(50\.0 to 50\.0\) \| 2\.00 .* \| – \| – \/ – \| – \| – \| – \/ – \| – \/ – \/ – \/ – \|/,
  );
});

test('the table names the peers whose client or machine was too busy', () => {
  const busyClient = { ...figures(100), 'client cores': 0.9 };
  const busyMachine = { ...figures(100), 'other cores': 0.5 };
  const turns = [
    new Map([
      ['Rooms', figures(100)],
      ['Echo', busyClient],
      ['Insert', busyMachine],
    ]),
  ];
  const table = comparisonTable(turns, 'Rooms');
  assert.match(table, /\n\nTHE CLIENT WAS THE BOTTLENECK, .*: Echo\.\n\nOTHER PROGRAMS DISTURBED these: Insert\.$/);
  assert.doesNotMatch(comparisonTable([new Map([['Rooms', figures(100)]])], 'Rooms'), /BOTTLENECK|DISTURBED/);
});

test('the table names a peer that acks faster than it delivers', () => {
  const [inStep, behind] = [
    { ...figures(100), receivers: 10 },
    { ...figures(100), receivers: 20 },
  ];
  const turn = new Map([
    ['Rooms', inStep],
    ['Queue', behind],
  ]);
  assert.match(comparisonTable([turn], 'Rooms'), /\n\nACKED FASTER THAN DELIVERED, .*: Queue\.$/);
});
