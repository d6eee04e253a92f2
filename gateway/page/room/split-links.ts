/** A part of a text. `url` is set if the part is a link. */
export interface TextPart {
  text: string;
  /** Where the part begins in the text. */
  at: number;
  url?: string;
}

/** A link ends before the signs that usually end a sentence. */
const LINK = /https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]}'…]/giu;

/** Splits a text at its links. The parts together are the text. */
export function splitLinks(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const { 0: link, index } of text.matchAll(LINK)) {
    if (!URL.canParse(link)) continue;
    if (index > end) parts.push({ text: text.slice(end, index), at: end });
    parts.push({ text: link, at: index, url: link });
    end = index + link.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), at: end });
  return parts;
}
