import assert from 'node:assert/strict';
import * as v from 'valibot';

/** Parses a value. Fails if the value, or an object in it, has a field that the schema does not have. */
export function parseExactly<Schema extends v.GenericSchema>(schema: Schema, value: unknown): v.InferOutput<Schema> {
  const parsed = v.parse(schema, value);
  assert.deepEqual(parsed, value);
  return parsed;
}
