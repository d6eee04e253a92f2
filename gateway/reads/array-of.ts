/**
 * Makes the text of a Postgres array for a parameter with a cast, such as `${arrayOf(ids)}::uuid[]`. The driver has no
 * arrays (shared/database.ts). Only for ids and numbers: other texts would need quotes.
 */
export function arrayOf(values: (string | number | undefined)[]): string {
  return `{${values.map((value) => value ?? 'null').join()}}`;
}
