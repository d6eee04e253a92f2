import type { HttpResponse } from 'uWebSockets.js';

/** Headers as one text, with a line end between them. So headers that many answers have are put together only once. */
export type HeaderLines = string;

/** No value may come from a client without a check, because a line end in it would begin another header. */
export function toHeaderLines(headers: Record<string, string>): HeaderLines {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return lines.join('\r\n');
}

/** Returns the headers of both texts. Each text may be empty. */
export function joinHeaderLines(a: HeaderLines, b: HeaderLines): HeaderLines {
  return a && b ? `${a}\r\n${b}` : a || b;
}

/**
 * Writes all headers with one call: uWebSockets.js writes the text of a value as it is. A call for each header needed
 * about a tenth of the time of a request.
 */
export function writeHeaderLines(res: HttpResponse, lines: HeaderLines): void {
  const nameEnd = lines.indexOf(': ');
  if (nameEnd > 0) res.writeHeader(lines.slice(0, nameEnd), lines.slice(nameEnd + 2));
}
