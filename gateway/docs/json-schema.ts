import { type JsonSchema, toJsonSchema } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import { WELL_FORMED } from '../../shared/contract/fields.ts';

export type { JsonSchema } from '@valibot/to-json-schema';

const TRIMMED = 'Spaces at both ends are removed first.';

export interface NamedSchemas {
  /** The schemas that get an entry of their own in the document, by their names there. */
  [name: string]: v.GenericSchema;
}

/** Makes JSON Schemas of the schemas that parse the input and shape the answers. */
export class JsonSchemas {
  readonly #named: NamedSchemas;

  /** @param named these schemas are references wherever they are used */
  constructor(named: NamedSchemas) {
    this.#named = named;
  }

  /** @throws Error if a part of the schema has no form in JSON Schema */
  convert(schema: v.GenericSchema): JsonSchema {
    const others = Object.entries(this.#named).filter(([, each]) => each !== schema);
    const { $schema, $defs, ...converted } = toJsonSchema(schema, {
      target: 'draft-2020-12',
      errorMode: 'throw',
      definitions: Object.fromEntries(others),
      overrideRef: ({ referenceId }) => referenceTo(referenceId).$ref,
      overrideSchema: ({ valibotSchema, jsonSchema }) => variant(valibotSchema, jsonSchema),
      overrideAction: ({ valibotAction, jsonSchema }) => action(valibotAction as Action, jsonSchema),
    });
    return converted;
  }

  /** @returns the schema itself, or a reference if it has a name */
  use(schema: v.GenericSchema): JsonSchema {
    const found = Object.entries(this.#named).find(([, each]) => each === schema);
    return found ? referenceTo(found[0]) : this.convert(schema);
  }

  /** @returns the schemas with names, by their names */
  named(): Record<string, JsonSchema> {
    return Object.fromEntries(Object.entries(this.#named).map(([name, each]) => [name, this.convert(each)]));
  }
}

export function referenceTo(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}

/** Generators of clients need the name of the field by which they choose the form. */
function variant(schema: { type: string }, { anyOf, ...rest }: JsonSchema): JsonSchema | undefined {
  if (schema.type !== 'variant' || !anyOf) return undefined;
  const discriminator = { propertyName: (schema as unknown as { key: string }).key };
  return { ...rest, oneOf: anyOf, discriminator } as JsonSchema;
}

interface Action {
  type: string;
  requirement?: unknown;
  message?: unknown;
}

/** What the converter itself drops or refuses. JSON Schema counts characters as Unicode code points too. */
function action({ type, requirement, message }: Action, schema: JsonSchema): JsonSchema | undefined {
  if (type === 'min_code_points') return { ...schema, minLength: requirement as number };
  if (type === 'max_code_points' && schema.description === TRIMMED) return trimmed(schema, requirement as number);
  if (type === 'max_code_points') return { ...schema, maxLength: requirement as number };
  if (type === 'safe_integer') return { ...schema, type: 'integer', maximum: Number.MAX_SAFE_INTEGER };
  if (type === 'rfc_email') return { ...schema, format: 'email' };
  if (type === 'trim') return describe(schema, TRIMMED);
  if (type === 'to_lower_case') return describe(schema, 'Upper case is accepted too.');
  // The only transformations make a number of the text in a query.
  if (type === 'transform') return { type: 'integer', minimum: 0 };
  // A lone surrogate has no form in UTF-8, so JSON Schema need not exclude it.
  if (type === 'check' && message === WELL_FORMED) return { ...schema, not: { pattern: '\\u0000' } };
  if (type === 'check') return describe(schema, sentenceOf(`${message}`));
  return undefined;
}

/** JSON Schema counts the spaces at both ends too, so only a pattern can say how many characters are between them. */
function trimmed({ minLength = 2, ...schema }: JsonSchema, maxLength: number): JsonSchema {
  const pattern = `^\\s*\\S[\\s\\S]{${minLength - 2},${maxLength - 2}}\\S\\s*$`;
  return describe({ ...schema, pattern }, `Without them, it has ${minLength} to ${maxLength} characters.`);
}

/** @param message of a check, such as `must not end in .invalid` */
function sentenceOf(message: string): string {
  const sentence = message.startsWith('must') ? `It ${message}` : message;
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`;
}

function describe(schema: JsonSchema, sentence: string): JsonSchema {
  return { ...schema, description: [schema.description, sentence].filter(Boolean).join(' ') };
}
