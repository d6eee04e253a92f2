/** The longest text of a message. A character is a Unicode code point. A test compares it with the server. */
export const MAX_TEXT_CHARACTERS = 500;

/** @returns how many characters are left, below 0 if the text is too long */
export function charactersLeft(text: string): number {
  return MAX_TEXT_CHARACTERS - [...text].length;
}
