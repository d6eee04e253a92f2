import type * as v from 'valibot';
import { Room, User, UserOfRoom } from '../../shared/contract/answers.ts';
import { ErrorAnswer, type ErrorCode, errors } from '../../shared/contract/errors.ts';
import { Message } from '../../shared/contract/messages.ts';
import { callersOf, errorsOf, type Route } from '../http/route.ts';
import { type JsonSchema, JsonSchemas, referenceTo } from './json-schema.ts';
import { groups, type Operation, operations } from './operations.ts';

const schemas = new JsonSchemas({ User, Room, UserOfRoom, Message, Error: ErrorAnswer });

/**
 * Makes the OpenAPI 3.1 document of the route table: from the schemas that parse the input and shape the answers, and
 * from the error codes of each row.
 * @throws Error if a row has no entry in operations.ts
 */
export function openApi(routes: readonly Route[]): object {
  const paths: Record<string, object> = {};
  for (const [path, rows] of Map.groupBy(routes, (row) => row.path)) {
    paths[path.replace(/:(\w+)/g, '{$1}')] = Object.fromEntries(
      rows.map((row) => [row.method.toLowerCase(), operationOf(row)]),
    );
  }
  return {
    openapi: '3.1.1',
    info: {
      ...{ title: 'Rooms', version: '1', summary: 'The HTTP API of a chat hub.', description: DESCRIPTION },
    },
    servers: [{ url: '/', description: 'the gateway that serves this document' }],
    tags: Object.entries(groups).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: schemas.named(),
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'The token of a login.' } },
    },
  };
}

const DESCRIPTION = `Bodies and answers are JSON. Rooms ignores fields that it does not know.

A refusal has a \`code\` for programs, a text for people, and \`retry\`: what to do next. \`no\`: the refusal is final.
\`same_ref\`: send the same again after \`Retry-After\`. \`new_ref\`: send it with another \`Idempotency-Key\`.
\`after_login\`: get a new token first.

A path of this document with another method is refused with 405 and \`method_not_allowed\`.

Live messages come over a WebSocket: see [its document](/docs/socket).`;

function operationOf(row: Route): object {
  const operation = operations[`${row.method} ${row.path}`];
  if (!operation) throw new Error(`${row.method} ${row.path} has no entry in operations.ts`);
  const { id, summary, group } = operation;
  return {
    ...{ operationId: id, summary, tags: [group], security: callersOf(row) === 'open' ? [] : [{ token: [] }] },
    ...descriptionOf(row),
    parameters: parametersOf(row, operation),
    ...(row.body && { requestBody: requestBody(row.body, operation) }),
    responses: { ...success(row, operation), ...refusals(row) },
  };
}

/** What no part of the document can say in another way. */
function descriptionOf({ callers, query }: Route): { description?: string } {
  const ofQuery = query && schemas.convert(query).description;
  const sentences = [callers === 'admin' && 'Only for admins.', ofQuery].filter(Boolean);
  return sentences.length > 0 ? { description: sentences.join(' ') } : {};
}

function requestBody(body: v.GenericSchema, { body: example }: Operation): object {
  return { required: true, content: { 'application/json': { schema: schemas.use(body), example } } };
}

function parametersOf(row: Route, { values = {} }: Operation): object[] {
  const inPath = fieldsOf(row.parameters).map(({ name, schema }) => ({
    ...{ name, in: 'path', required: true, schema, example: values[name] },
  }));
  const inQuery = fieldsOf(row.query).map(({ name, schema }) => {
    const { default: byDefault, ...rest } = schema;
    const number = byDefault === undefined ? {} : { default: Number(byDefault) };
    return { name, in: 'query', required: false, schema: { ...rest, ...number }, example: values[name] };
  });
  return [...inPath, ...inQuery, ...(row.submits === 'room command' ? [idempotencyKey] : [])];
}

const idempotencyKey = {
  ...{ name: 'Idempotency-Key', in: 'header', required: false, schema: { type: 'string', format: 'uuid' } },
  description: 'A UUID for this command. The same request with the same key has one effect.',
};

function fieldsOf(schema: v.GenericSchema | undefined): { name: string; schema: JsonSchema }[] {
  const { properties = {} } = schema ? schemas.convert(schema) : {};
  return Object.entries(properties).map(([name, each]) => ({ name, schema: each as JsonSchema }));
}

function success(row: Route, { answer, headers }: Operation): object {
  if (row.path === '/api/ws') return { 101: { description: 'The connection is a WebSocket now.' } };
  const description = row.status === 201 ? 'It is stored.' : 'It is done.';
  if (!row.file) {
    const content = { 'application/json': { schema: schemas.use(row.answer), example: answer } };
    return { [row.status ?? 200]: { description, content, ...(headers && { headers }) } };
  }
  const content = row.file.map((type) => [type, { schema: { type: type.includes('json') ? 'object' : 'string' } }]);
  return { 200: { description: 'The file.', content: Object.fromEntries(content) } };
}

/** One response for each status, with the codes that it can have. */
function refusals(row: Route): object {
  const byStatus = Map.groupBy(errorsOf(row), (code) => errors[code].status);
  return Object.fromEntries([...byStatus].map(([status, codes]) => [status, refusal(status, codes)]));
}

function refusal(status: number, codes: ErrorCode[]): object {
  const schema = { allOf: [referenceTo('Error'), { properties: { code: { enum: codes } }, required: ['code'] }] };
  const lines = codes.map((code) => `- \`${code}\`: ${errors[code].text}`);
  const seconds = { description: 'Seconds after which a retry may succeed.', schema: { type: 'integer' } };
  return {
    description: lines.join('\n'),
    content: { 'application/json': { schema } },
    ...([429, 503].includes(status) && { headers: { 'Retry-After': seconds } }),
  };
}
