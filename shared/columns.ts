import postgres from 'postgres';

/** The columns that hold the fields of a schema, for a select: a new field of the schema is read without more code. */
export function columnsOf({ entries }: { entries: Record<string, unknown> }): string[] {
  return Object.keys(entries).map(postgres.fromCamel);
}
