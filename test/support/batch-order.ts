/**
 * The rule of the SQL function is_new_batch, for simulations. sql/is-new-batch.test.ts proves that both are equal.
 * @param applied the number of the last batch of the lane that was applied, or null
 */
export function placeOfBatch(applied: number | null, number: number, follows: number | null): 'new' | 'copy' | 'early' {
  if (applied !== null && applied >= number) return 'copy';
  if (follows !== null && (applied === null || applied < follows)) return 'early';
  return 'new';
}
