/** Words and phrases that an engineer with little English misunderstands. The value says what to write instead. */
const WORDS: Record<string, string> = {
  // Write the role of a person (the member, the owner, the caller, the sender) or "they".
  'he, his, him, himself, she, her, hers, herself': 'they, or a role such as "the member"',
  'whoever, whom, whomever': 'a role: "a caller who …", "every user who …"',
  "one's, oneself": 'their own, or a role',

  // Old or unusual grammar.
  'thereof, therein, whereof, wherein, hereby, befell, befalls, anew, heretofore': 'a plain sentence',
  'of late': 'recently',
  'all but': 'almost, or "all except"',
  'so many, so often, so long': 'the number, or "too many", "until the window ends"',
  'is to be, are to be, was to be': 'must be, or "will be"',
  'would else': 'a sentence with "otherwise" or "without this"',
  'for ever': 'forever, or "without end"',
  'out of the way': 'a plain sentence',

  // Every engineer knows the technical term.
  'in any case': 'case-insensitive, or "upper and lower case are equal"',
  'machines that watch': 'health probes',
  'asks beforehand, ask beforehand, asked beforehand': 'preflight',
  'sign of life, signs of life': 'heartbeat',
  'hold up, holds up, held up, holding up': 'delay, or "block"',
  'hand on, hands on, handed on, handing on': 'deliver, or "pass to"',
  'hole, holes': 'gap',
  'hear, hears, heard, hearing': 'receive',
  'told, tells': 'notify, log, publish, return, or "show"',
  said: 'wrote, stated, or "published"',
  'begins again, begin again': 'reset',
  'is away, are away, was away, were away, stays away, while away': 'is not reachable',
  'looked at': 'checked, or "read"',

  // Names that only this project used, and puns.
  'hall, ear, ears, patience, patiently, border, borders': 'SocketAdmission, ChannelHandler, timeout, edge',
  'take off, takes off, takeoff': 'dispatch',
};

/** Patterns of names in code. */
const NAMES: [pattern: RegExp, instead: string][] = [
  [/\b(MOST|LEAST)_\w+/, 'MAX_… or MIN_…'],
  [/\bEVERY\b(?=\s*[=,;)])/, 'a name with a unit, such as RENEWAL_INTERVAL_MS'],
  [/\bFOR(_[A-Z]+)?(?=\s*[=,;)])/, 'a name with a unit or a factor, such as REMIND_FOR_MS'],
  [/\b(say|tell)\b(?=\s*[(=:])/, 'print, log, notify, send'],
  [/\btest\(['"`]who\b/, 'a subject: "a sender who …"'],
  [/#land\b|\bMeter\b|\bmeter\b/, 'complete, TokenBucket'],
];

export interface Finding {
  found: string;
  instead: string;
}

const phrases = Object.entries(WORDS).flatMap(([list, instead]) =>
  list.split(', ').map((phrase) => ({ pattern: new RegExp(`(?<![\\w'])${phrase}(?![\\w])`, 'i'), instead })),
);

/** Finds the banned words of a line. A name such as `takeOff` or `MAX_PATIENCE` is split into its words. */
export function bannedIn(line: string): Finding[] {
  const words = line.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replaceAll('_', ' ');
  const inWords = phrases.map(({ pattern, instead }) => ({ found: pattern.exec(words)?.[0], instead }));
  const inNames = NAMES.map(([pattern, instead]) => ({ found: pattern.exec(line)?.[0], instead }));
  return [...inWords, ...inNames].filter((each): each is Finding => each.found !== undefined);
}
