import * as v from 'valibot';
import { type ErrorCode, errors, isErrorCode, Refusal } from '../../shared/contract/errors.ts';

/** A longer path of field names is cut, because the names can come from an attacker. */
const MAX_FIELD_CHARACTERS = 50;

/** @throws Refusal `bad_json` if the text is not a JSON object */
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

/**
 * Checks input against a schema.
 * @returns the output of the schema
 * @throws Refusal that names the first wrong field. If the value breaks a minimum or maximum, the refusal contains it.
 *   If the message of a check is an error code, the refusal has this code and names no field.
 */
export function validate<Schema extends v.GenericSchema>(schema: Schema, input: unknown): v.InferOutput<Schema> {
  const result = v.safeParse(schema, input, { abortEarly: true });
  if (result.success) return result.output;
  throw validationRefusal(result.issues[0]);
}

function validationRefusal(issue: v.BaseIssue<unknown>): Refusal {
  // An id that cannot exist is refused with the same answer as an id that does not exist.
  if (isErrorCode(issue.message)) return new Refusal(issue.message);
  const code = codeOf(issue);
  const field = v.getDotPath(issue)?.slice(0, MAX_FIELD_CHARACTERS);
  const { requirement } = issue;
  const bound = typeof requirement === 'number' ? requirement : undefined;
  const text = field && `${field}: ${boundText(issue.type, bound) ?? errors[code].text}`;
  return new Refusal(code, { text, field, bound });
}

function codeOf(issue: v.BaseIssue<unknown>): ErrorCode {
  if (issue.type === 'variant') return 'unknown_command';
  if (issue.received === 'undefined') return 'missing_field';
  if (/^min_(length|code_points)$/.test(issue.type)) return 'too_short';
  if (/^max_(length|code_points)$/.test(issue.type)) return 'too_long';
  return 'invalid_field';
}

function boundText(type: string, bound: number | undefined): string | undefined {
  if (bound === undefined) return undefined;
  const unit = /_(length|code_points)$/.test(type) ? ' characters' : '';
  return `${type.startsWith('min_') ? 'at least' : 'at most'} ${bound}${unit}`;
}
