import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readScenario, usage } from './command-line.ts';
import { compareFigures } from './compare.ts';

test('a comparison prints both medians, the median of the ratios of each pair, and their spread', () => {
  const first = [{ 'acked/s': 200 }, { 'acked/s': 300 }, { 'acked/s': 400 }];
  const second = [{ 'acked/s': 100 }, { 'acked/s': 200 }, { 'acked/s': 100 }];
  const [line] = compareFigures(first, second);
  assert.match(line ?? '', /^ {2}acked\/s +300 \/ +100 +ratio 2\.00 \(1\.50 to 4\.00\)$/);
});

test('the command line names one scenario, with options that have an effect', () => {
  const { scenario, options, size, times } = readScenario(['chat', '--rate=2000', '--gateways=2']);
  assert.equal(scenario.measure.name, 'measureChat');
  assert.deepEqual({ options, size, times }, { options: { rate: 2000 }, size: { gateways: 2 }, times: 5 });
});

for (const [args, message] of [
  [[], /name one scenario/],
  [['chat', 'http'], /name one scenario/],
  [['http', '--rate=5'], /http has no option rate/],
  [['chat', '--rate=0'], /--rate must be a whole number/],
  [['chat', '--unknown=1'], /unknown/],
  [['chat', '--checkout=/nonexistent'], /is not a checkout/],
] as const)
  test(`the command line "${args.join(' ')}" is refused`, () => {
    assert.throws(() => readScenario([...args]), message);
  });

test('the usage names every scenario and every option', () => {
  for (const word of ['smoke', 'fan-out', 'idle', '--rate=N', '--against=DIR', '--times=N'])
    assert.match(usage(), new RegExp(word));
});
