/** A frame has at most 16 KB. */
const POSITIONS_PER_FRAME = 250;

/**
 * Makes the frames that ask for everything after the positions. The proof uses them too, so this file uses nothing of
 * the client library.
 */
export function resumeFrames(epoch: string | undefined, positions: Iterable<[roomId: string, seq: number]>): string[] {
  const all = [...positions];
  const frames: string[] = [];
  do {
    const rooms = Object.fromEntries(all.splice(0, POSITIONS_PER_FRAME));
    const more = all.length > 0 || undefined;
    frames.push(JSON.stringify({ command: 'Resume', epoch, rooms, more }));
  } while (all.length > 0);
  return frames;
}
