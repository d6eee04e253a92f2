import postgres from 'postgres';

/** Returns the columns of the fields of a schema, for a select. So a select also reads a field that is added later. */
export function columnsOf({ entries }: { entries: Record<string, unknown> }): string[] {
  return Object.keys(entries).map(postgres.fromCamel);
}
