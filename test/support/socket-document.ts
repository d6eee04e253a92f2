import assert from 'node:assert/strict';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { routes } from '../../gateway/app.ts';
import { type AsyncDocument, asyncApi } from '../../gateway/docs/async-api.ts';
import type { ErrorCode } from '../../shared/contract/errors.ts';
import { gatewayFrames } from '../../shared/contract/frame-lists.ts';

/** What a client reads at /docs/asyncapi.json. */
export const socketDocument: AsyncDocument = JSON.parse(JSON.stringify(asyncApi(routes)));

const ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true }));
ajv.addSchema({ $id: 'socket', ...socketDocument });
const validators = new Map<string, ValidateFunction>();

/** Asserts that the document has this frame of a gateway. */
export function assertFrameInDocument(frame: { command: string }): void {
  const isNamed = Object.hasOwn(gatewayFrames, frame.command);
  assertFits(`gateway-${isNamed ? frame.command : 'message'}`, frame);
}

/** Asserts that a frame fits its schema in the document. @param key of the message, such as `client-Watch` */
export function assertFits(key: string, frame: unknown): void {
  const validator = validators.get(key) ?? ajv.compile({ $ref: `socket#/components/messages/${key}/payload` });
  validators.set(key, validator);
  assert.ok(validator(frame), `${key}: ${ajv.errorsText(validator.errors)} in ${JSON.stringify(frame)}`);
}

/** Asserts that the document has this error code for this command. */
export function assertRefusalInDocument(command: string, code: ErrorCode): void {
  const codes = socketDocument.components.messages[`client-${command}`]?.['x-error-codes'] ?? ['unknown_command'];
  assert.ok(codes.includes(code), `the document must list ${code} for ${command}`);
}
