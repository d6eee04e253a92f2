import type * as v from 'valibot';
import { Command, type CommandName } from '../../shared/contract/commands.ts';
import { closeCodes, type ErrorCode, errors } from '../../shared/contract/errors.ts';
import {
  type GatewayFrameName,
  gatewayFrames,
  type OtherFrameName,
  otherClientFrames,
} from '../../shared/contract/frame-lists.ts';
import { ROOMS_V1 } from '../../shared/contract/frames.ts';
import { AnyId, Id, MessageId, RoomId, UserId } from '../../shared/contract/ids.ts';
import type { Route } from '../http/route.ts';
import { frameErrors, socketErrors } from './frame-errors.ts';
import { clientFrames, closeActions, commonFields, type FrameTexts, gatewayTexts, idTexts, UNUSED } from './frames.ts';
import { type JsonSchema, JsonSchemas } from './json-schema.ts';

export type AsyncDocument = ReturnType<typeof asyncApi>;

/** A frame in the document. */
export interface DocumentedMessage {
  name: string;
  summary: string;
  payload: JsonSchema;
  examples: { payload: object }[];
  /** The codes with which a gateway refuses the frame. */
  'x-error-codes'?: ErrorCode[];
}

type ClientFrameName = CommandName | OtherFrameName;
type CloseName = keyof typeof closeCodes;

const schemas = new JsonSchemas({ Id, RoomId, UserId, MessageId, AnyId });
const commands = Object.fromEntries(Command.options.map((each) => [each.entries.command.literal, each]));
const schemasOfClient: Record<string, v.GenericSchema> = { ...commands, ...otherClientFrames };

/**
 * Makes the AsyncAPI 3 document of the socket from the schemas that parse and shape its frames. The error codes of a
 * command are those of its route.
 * @throws Error if a command has no route, or if a schema has no form in JSON Schema
 */
export function asyncApi(routes: readonly Route[]) {
  const messages: Record<string, DocumentedMessage> = { ...clientMessages(routes), ...gatewayMessages() };
  const keys = Object.keys(messages);
  return {
    asyncapi: '3.0.0',
    info: { title: 'Rooms', version: '1', description: DESCRIPTION },
    defaultContentType: 'application/json',
    servers: {
      gateway: { host: 'localhost:8080', protocol: 'ws', security: [{ $ref: '#/components/securitySchemes/token' }] },
    },
    channels: {
      socket: {
        ...{ address: '/api/ws', title: 'The socket', description: 'It carries all rooms of one user.' },
        messages: Object.fromEntries(keys.map((key) => [key, { $ref: `#/components/messages/${key}` }])),
        bindings: { ws: { method: 'GET', query: opening, headers: subprotocol } },
      },
    },
    operations: Object.fromEntries(keys.map((key) => [key, operationOf(key)])),
    components: {
      messages,
      schemas: idSchemas(),
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'The token of a login.' } },
    },
    'x-error-codes': Object.fromEntries(socketErrors(routes).map((code) => [code, errors[code]])),
    'x-close-codes': Object.entries(closeCodes).map(([name, code]) => ({
      ...{ code, name, action: closeActions[name as CloseName] },
    })),
  };
}

const DESCRIPTION = `Every frame is text: one JSON object of at most 16 KB. Rooms ignores fields that it does not know, and a
client ignores fields and frames that it does not know.

A refusal is an \`Error\` frame. \`x-error-codes\` of a frame are the codes with which a gateway refuses it. \`x-close-codes\` are
the codes with which a gateway closes a socket, and what a client does then.`;

const opening = {
  type: 'object',
  properties: {
    ticket: {
      type: 'string',
      description: 'A ticket of `POST /api/ws/ticket`, instead of the header `Authorization`.',
    },
    resume: { type: 'string', const: 'true', description: 'The client sends `Resume`, and gets what it missed.' },
    token: { type: 'string', description: 'A token. Only for old clients, where `WS_QUERY_TOKEN` is `true`.' },
  },
};

const subprotocol = {
  type: 'object',
  properties: {
    'Sec-WebSocket-Protocol': {
      ...{ type: 'string', const: ROOMS_V1 },
      description: 'Without it, the socket has only messages and `Error`, as in the original Go server.',
    },
  },
};

function clientMessages(routes: readonly Route[]): Record<string, DocumentedMessage> {
  const names = Object.keys(clientFrames) as ClientFrameName[];
  return Object.fromEntries(
    names.map((name) => {
      const message = messageOf(name, schemasOfClient[name] as v.GenericSchema, clientFrames[name]);
      return [`${CLIENT}${name}`, { ...message, 'x-error-codes': frameErrors(name, routes) }];
    }),
  );
}

function gatewayMessages(): Record<string, DocumentedMessage> {
  const names = Object.keys(gatewayTexts) as GatewayFrameName[];
  return Object.fromEntries(
    names.map((name) => [`${GATEWAY}${name}`, messageOf(name, gatewayFrames[name], gatewayTexts[name])]),
  );
}

/** `Typing` goes both ways, so the name of a frame alone is not unique. */
const CLIENT = 'client-';
const GATEWAY = 'gateway-';

function messageOf(name: string, schema: v.GenericSchema, { summary, example, fields }: FrameTexts): DocumentedMessage {
  const textOf = (field: string) => fields?.[field] ?? commonFields[field] ?? UNUSED;
  return {
    ...{ name, summary },
    payload: describe(schemas.convert(schema), textOf),
    examples: [{ payload: example }],
  };
}

function idSchemas(): Record<string, JsonSchema> {
  const described = Object.entries(schemas.named()).map(([name, id]) => [name, { ...id, description: idTexts[name] }]);
  return Object.fromEntries(described);
}

/** Adds the meaning of each field, also of the fields of objects in lists. @param textOf such as `rooms.since` */
function describe(schema: JsonSchema, textOf: (field: string) => string, path = ''): JsonSchema {
  if (!schema.properties) return schema;
  const described = Object.entries(schema.properties as Record<string, JsonSchema>).map(([field, each]) => {
    const name = path + field;
    const own = each.$ref ? { allOf: [each] } : describe(each, textOf, `${name}.`);
    const items = each.items ? { items: describe(each.items as JsonSchema, textOf, `${name}.`) } : {};
    return [field, { ...own, ...items, description: [textOf(name), each.description].filter(Boolean).join(' ') }];
  });
  return { ...schema, properties: Object.fromEntries(described) };
}

/** A command is answered with `Ack` or `Error`. For other frames, a gateway sends only an `Error`. */
function operationOf(key: string): object {
  const operation = { channel: { $ref: '#/channels/socket' }, messages: [inChannel(key)] };
  if (key.startsWith(GATEWAY)) return { action: 'send', ...operation };
  const answers = key.slice(CLIENT.length) in commands ? ['Ack', 'Error'] : ['Error'];
  const messages = answers.map((answer) => inChannel(GATEWAY + answer));
  return { action: 'receive', ...operation, reply: { channel: operation.channel, messages } };
}

function inChannel(key: string): object {
  return { $ref: `#/channels/socket/messages/${key}` };
}
