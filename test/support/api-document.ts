import assert from 'node:assert/strict';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { routes } from '../../gateway/app.ts';
import { openApi } from '../../gateway/docs/open-api.ts';

interface Response {
  content?: Record<string, { schema: object; example?: unknown }>;
}

export interface DocumentedOperation {
  operationId: string;
  parameters: { name: string; in: string; required: boolean; schema: object; example?: unknown }[];
  requestBody?: { content: Record<string, { schema: object; example: unknown }> };
  responses: Record<string, Response>;
}

interface ApiDocument {
  info: { description: string };
  paths: Record<string, Record<string, DocumentedOperation>>;
  components: { schemas: Record<string, object> };
}

/** What a client reads at /docs/openapi.json. */
export const apiDocument: ApiDocument = JSON.parse(JSON.stringify(openApi(routes)));

const JSON_TYPE = 'application/json';
const ajv = addFormats.default(new Ajv2020({ strict: false, discriminator: false, allErrors: true }));
ajv.addSchema({ $id: 'document', ...apiDocument });
const validators = new Map<string, ValidateFunction>();

/** Asserts that the document has this answer of a route. @param path of the route, such as `/api/rooms/:id` */
export function assertInDocument(method: string, path: string, status: number, body: unknown): void {
  const key = [path.replace(/:(\w+)/g, '{$1}'), method.toLowerCase(), `${status}`] as const;
  const response = apiDocument.paths[key[0]]?.[key[1]]?.responses[key[2]];
  assert.ok(response?.content?.[JSON_TYPE], `the document has no answer ${status} of ${method} ${path}`);
  const pointer = ['paths', key[0], key[1], 'responses', key[2], 'content', JSON_TYPE, 'schema'];
  assertValid(pointer, body);
}

/** Asserts that a value fits a schema of the document. @param pointer the keys that lead to the schema */
export function assertValid(pointer: string[], value: unknown): void {
  const reference = `document#/${pointer.map((key) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`;
  const validator = validators.get(reference) ?? ajv.compile({ $ref: reference });
  validators.set(reference, validator);
  assert.ok(validator(value), `${pointer.join(' ')}: ${ajv.errorsText(validator.errors)} in ${JSON.stringify(value)}`);
}
