import { FieldFinder } from '../frame-fields.ts';
import type { Dialect, Setup } from './peer.ts';

/** The position of the first letter of the first key: `{"ack":…`. */
const FIRST_LETTER = 2;
const ACK_REF = '{"ack":"'.length;
const [A, J] = Buffer.from('aj') as unknown as [number, number];

/**
 * The dialect of the peers that have no protocol of their own. A client sends `{"ref":…,"text":…}`. It gets
 * `{"joined":true}`, then `{"ack":ref}` for its own messages, and an object with the key `ref` for each message.
 */
export function plainDialect({ rooms, refs }: Setup): Dialect {
  const refOf = new FieldFinder('ref');
  return {
    upgrade: (member) => ({ path: `/?room=${member % rooms}&sender=${member}` }),
    encode: (_member, index, text) => `{"ref":"${refs.of(index)}","text":"${text}"}`,
    read: (bytes, start, end, events) => {
      const letter = bytes[start + FIRST_LETTER];
      if (letter === A) events.acked(refs.indexIn(bytes, start + ACK_REF));
      else if (letter === J) events.ready();
      else events.delivered(refs.indexIn(bytes, refOf.find(bytes, start, end) + 1));
    },
  };
}

/** The same, but the echo of a message is its ack and its only delivery. */
export function echoDialect(setup: Setup): Dialect {
  const refOf = new FieldFinder('ref');
  return {
    ...plainDialect(setup),
    read: (bytes, start, end, events) => {
      if (bytes[start + FIRST_LETTER] === J) return events.ready();
      const index = setup.refs.indexIn(bytes, refOf.find(bytes, start, end) + 1);
      events.delivered(index);
      events.acked(index);
    },
  };
}
