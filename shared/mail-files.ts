// `npm start` writes each mail to a file. The name of the file has the time and the recipient.

export interface MailFile {
  name: string;
  /** ISO 8601. */
  sentAt: string;
  isTo(email: string): boolean;
}

export function mailFileName(to: string, time: Date): string {
  return `${time.toISOString().replaceAll(':', '-')} ${safeNameOf(to)}.eml`;
}

/** @returns undefined if this is not the name of a mail */
export function mailFileOf(name: string): MailFile | undefined {
  const [, date, hours, minutes, seconds, to] = /^(\S+T)(\d\d)-(\d\d)-(\S+) (.*)\.eml$/.exec(name) ?? [];
  if (to === undefined) return undefined;
  return {
    name,
    sentAt: `${date}${hours}:${minutes}:${seconds}`,
    isTo: (email) => safeNameOf(email).toLowerCase() === to.toLowerCase(),
  };
}

const safeNameOf = (to: string) => to.replaceAll(/[^\w.@+-]/g, '_');
