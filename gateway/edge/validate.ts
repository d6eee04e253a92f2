import * as v from 'valibot';
import { type ErrorCode, errors, Refusal } from '../../shared/contract/errors.ts';

/** @throws Refusal `bad_json` unless the text is a JSON object */
export function parseJson(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Refusal('bad_json', { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Refusal('bad_json');
  return value as Record<string, unknown>;
}

/** @returns the input as the schema reads it. @throws Refusal that names the first field that is wrong */
export function validate<Schema extends v.GenericSchema>(schema: Schema, input: unknown): v.InferOutput<Schema> {
  const result = v.safeParse(schema, input, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const code = codeOf(issue);
  const field = v.getDotPath(issue)?.slice(0, 50);
  throw new Refusal(code, { text: field && `${field}: ${errors[code].text}`, field });
}

function codeOf(issue: v.BaseIssue<unknown>): ErrorCode {
  if (issue.type === 'variant') return 'unknown_command';
  if (issue.expected === 'never') return 'unknown_field';
  if (issue.received === 'undefined') return 'missing_field';
  if (/^min_(length|code_points)$/.test(issue.type)) return 'too_short';
  if (/^max_(length|code_points)$/.test(issue.type)) return 'too_long';
  return 'invalid_field';
}
