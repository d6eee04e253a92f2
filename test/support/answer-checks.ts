import assert from 'node:assert/strict';
import type * as v from 'valibot';
import { routes } from '../../gateway/app.ts';
import { errorsOf } from '../../gateway/http/route.ts';
import { ErrorAnswer, type ErrorCode, errors } from '../../shared/contract/errors.ts';
import { standingRooms } from '../../shared/contract/ids.ts';
import { assertInDocument } from './api-document.ts';
import type { Frame } from './client-frames.ts';
import { parseExactly } from './parse-exactly.ts';

/** An answer over HTTP. `bodyOf` returns its body with a type. */
export interface Answer {
  status: number;
  headers: Headers;
  body: unknown;
}

/** Returns the body of an answer. Asserts that the answer has this status and that its body fits this schema. */
export function bodyOf<Schema extends v.GenericSchema>(
  schema: Schema,
  answer: Answer,
  status = 200,
): v.InferOutput<Schema> {
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  return parseExactly(schema, answer.body);
}

/** Asserts that an answer or a frame is a refusal with this error code, and with the status and fields of the code. */
export function refused(answer: Answer | Frame, code: ErrorCode): ErrorAnswer {
  const refusal = 'status' in answer ? bodyOf(ErrorAnswer, answer, errors[code].status) : errorOf(answer);
  assert.equal(refusal.code, code, JSON.stringify(refusal));
  assert.equal(refusal.retry, errors[code].retry, JSON.stringify(refusal));
  if (code === 'too_short' || code === 'too_long') assert.ok(refusal.bound !== undefined, JSON.stringify(refusal));
  return refusal;
}

/** Returns the error code of a refusal, or the status of any other answer. */
export function codeOf(answer: Answer): ErrorCode | number {
  return answer.status < 400 ? answer.status : parseExactly(ErrorAnswer, answer.body).code;
}

/** Counts the answers with each error code or status. @returns for example `{ 201: 1, wrong_otp: 49 }` */
export function countCodes(answers: Answer[]): Partial<Record<ErrorCode | number, number>> {
  const counts: Partial<Record<ErrorCode | number, number>> = {};
  for (const code of answers.map(codeOf)) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}

function errorOf(frame: Frame): ErrorAnswer {
  return frame.command === 'Error' ? frame : assert.fail(`not refused: ${JSON.stringify(frame)}`);
}

/** Asserts that a text from a gateway has no UUID that is stored for a room with a text as its id (decision 0006). */
export function assertNoStoredId(text: string): void {
  for (const storedId of Object.values(standingRooms)) assert.ok(!text.includes(storedId), text);
}

/** Asserts that the route table and the API document allow the status, the body and the error code of an answer. */
export function assertDescribed(method: string, path: string, answer: Answer): void {
  const row = routes.find((each) => each.method === method && patternOf(each.path).test(path));
  if (!row) return;
  assertInDocument(method, row.path, answer.status, answer.body);
  if (answer.status === (row.status ?? 200)) return void parseExactly(row.answer, answer.body);
  const { code } = parseExactly(ErrorAnswer, answer.body);
  assert.equal(answer.status, errors[code].status);
  assert.ok(errorsOf(row).includes(code), `${row.method} ${row.path} must list ${code}`);
}

/** Returns the pattern of a path. `/api/users/:id` does not match `/api/users/current`, because that is a route. */
function patternOf(path: string): RegExp {
  const fixedPaths = routes.filter((each) => !each.path.includes(':')).map((each) => each.path);
  const exceptions = path.includes(':') ? `(?!(${fixedPaths.join('|')})/?(\\?|$))` : '';
  return new RegExp(`^${exceptions}${path.replace(/:\w+/g, '[^/?]+')}/?(\\?|$)`);
}
