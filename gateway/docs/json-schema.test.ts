import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import * as v from 'valibot';
import { RoomName } from '../../shared/contract/fields.ts';
import { JsonSchemas } from './json-schema.ts';

test('a name fits its schema in the document exactly if a gateway accepts it', () => {
  const isInDocument = new Ajv2020().compile({ ...new JsonSchemas({}).convert(RoomName) } as object);
  const character = fc.constantFrom(' ', '\n', '\u00a0', '\ufeff', '\u2028', '\0', 'a', 'é', '💬');
  const names = fc.oneof(
    fc.string({ unit: character, maxLength: 8 }),
    fc.string({ unit: character, minLength: 45, maxLength: 56 }),
  );
  fc.assert(
    fc.property(names, (name) => assert.equal(isInDocument(name), v.is(RoomName, name), JSON.stringify(name))),
    {
      numRuns: 1_000,
    },
  );
});
