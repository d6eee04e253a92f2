import type { Database } from '../shared/database.ts';
import type { Ledger } from './ledger.ts';
import type { Scene } from './scene.ts';

/** Compares what the clients saw with what is stored. @returns what is wrong */
export async function check(scene: Scene, ledger: Ledger, sent: number, database: Database): Promise<string[]> {
  const rows = await database<{ roomId: string; seq: number; ref: string }[]>`
    select room_id, seq, ref from messages where room_id in ${database(scene.roomIds)} order by room_id, seq`;
  const refsByRoom = new Map(scene.roomIds.map((roomId) => [roomId, [] as string[]]));
  const wrong: string[] = [];
  for (const { roomId, seq, ref } of rows) {
    const refs = refsByRoom.get(roomId) as string[];
    refs.push(ref);
    if (seq !== refs.length) wrong.push(`room ${roomId}: seq ${seq} where ${refs.length} belongs`);
  }
  if (ledger.acks.size !== sent) wrong.push(`${sent - ledger.acks.size} of ${sent} messages were not acked`);
  wrong.push(...ledger.refusals.map((refusal) => `refused: ${refusal}`));
  wrong.push(...checkAcks(ledger, rows));
  for (const member of scene.members) wrong.push(...checkMember(member, scene, refsByRoom));
  return wrong;
}

/** Every acked message is stored, once, where its ack says. */
function checkAcks(ledger: Ledger, rows: { seq: number; ref: string }[]): string[] {
  const stored = Map.groupBy(rows, ({ ref }) => ref);
  const wrong: string[] = [];
  for (const [ref, seq] of ledger.acks) {
    const seqs = stored.get(ref)?.map((row) => row.seq) ?? [];
    if (seqs.length !== 1 || seqs[0] !== seq) wrong.push(`ref ${ref}: acked at ${seq}, stored at ${seqs.join()}`);
  }
  return wrong;
}

/** A member's socket got everything since it was there: once, in order, and the same as is stored. */
function checkMember(
  { roomId, deliveries, closed }: Scene['members'][number],
  scene: Scene,
  stored: Map<string, string[]>,
): string[] {
  const head = scene.heads.get(roomId) ?? 0;
  const expected = (stored.get(roomId) ?? []).slice(head);
  const wrong: string[] = closed === undefined ? [] : [`a socket was closed (${closed})`];
  if (deliveries.length !== expected.length)
    wrong.push(`a socket got ${deliveries.length} of ${expected.length} messages`);
  const astray = deliveries.findIndex(({ seq, ref }, index) => seq !== head + index + 1 || ref !== expected[index]);
  if (astray >= 0) wrong.push(`a socket got seq ${deliveries[astray]?.seq} where ${head + astray + 1} belongs`);
  return wrong;
}
