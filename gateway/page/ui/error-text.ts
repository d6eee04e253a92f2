import { Refused } from '../../../shared/client/refused.ts';
import { texts } from '../texts.ts';

/** The text of an error for the person in front of the page. */
export function errorText(error: unknown): string {
  if (!(error instanceof Refused)) return error instanceof TypeError ? texts.errors.network : texts.errors.other;
  const { code, bound, message } = error;
  if ((code === 'too_short' || code === 'too_long') && bound) return texts.errors[code](bound);
  return texts.errors.ofCode[code] ?? `${message[0]?.toUpperCase()}${message.slice(1)}.`;
}

/** The field of a form that was refused, such as `firstName`. */
export function fieldOf(error: unknown): string | undefined {
  return error instanceof Refused ? error.field : undefined;
}
