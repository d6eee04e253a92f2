import { type Attack, runAttack } from './attack.ts';

// node attack-process.ts <url> <attack as JSON>: the user who disturbs the others is a process of its own, so it does not
// delay the process that measures. It sends its parent a message when it begins, and ends with its parent.

/** The attack ends after this time, also if nobody stops it. */
const MAX_ATTACK_MS = 30_000;

const [url, attack] = process.argv.slice(2) as [string, string];
setTimeout(() => process.exit(), MAX_ATTACK_MS);
process.on('disconnect', () => process.exit());
const begin = () => void process.send?.('begins');
await runAttack(url, JSON.parse(attack) as Attack, begin, new AbortController().signal);
