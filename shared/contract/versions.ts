import * as v from 'valibot';

/**
 * The version of every payload in Redis. Keep it for a new optional field: older processes ignore such a field.
 * Increase it for a change that an older process would misread. Older processes then drop the payload and count it.
 */
export const PAYLOAD_VERSION = 1;

export const Version = v.literal(PAYLOAD_VERSION);

const Versioned = v.object({ v: Version });

export function encodeVersioned(payload: object): string {
  return JSON.stringify({ ...payload, v: PAYLOAD_VERSION });
}

/** @throws SyntaxError or ValiError if the text is not JSON of this version that fits the schema */
export function decodeVersioned<Schema extends v.GenericSchema>(schema: Schema, text: string): v.InferOutput<Schema> {
  const payload: unknown = JSON.parse(text);
  v.parse(Versioned, payload);
  return v.parse(schema, payload);
}
