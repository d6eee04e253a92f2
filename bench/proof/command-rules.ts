import { type ErrorCode, errors } from '../../shared/contract/errors.ts';
import { type EventOf, eventsOf, type History, type Row, rowsOfRooms } from './history.ts';

/** The rules about commands, their outcomes and their rows. */
export const commandRules = {
  'an ack has its row': findLostAcks,
  'a row was sent': findUnsentRows,
  'a command has one effect': findDoubles,
  'a refused command has no row': findAppliedRefusals,
  'the seqs of a room are 1 to n': findSeqGaps,
  'the commands of a connection keep their order': findSwaps,
  'every command has an outcome': findOpenCommands,
};

/** These codes refuse one sending. The same command may be sent again, after 401 with another token. */
const REFUSES_ONE_SENDING = [401, 429, 503];

/** A refusal that is final: the command must never be applied. */
export function isFinal(code: string): boolean {
  return !REFUSES_ONE_SENDING.includes(errors[code as ErrorCode]?.status);
}

const rowKey = ({ roomId, ref }: { roomId: string; ref: string }) => `${roomId} ${ref}`;

function findLostAcks(history: History): string[] {
  const rowOf = new Map(history.rows.map((row) => [`${rowKey(row)} ${row.seq}`, row]));
  return eventsOf(history, 'acked')
    .filter((ack) => !rowOf.has(`${rowKey(ack)} ${ack.seq}`))
    .map(({ ref, roomId, seq }) => `${ref} was acked as message ${seq} of room ${roomId}, and is not there`);
}

/** The rows of the run, without those of its preparation. */
function newRows(history: History): Row[] {
  const initialSeqs = new Map(history.rooms.map(({ id, initialSeq }) => [id, initialSeq]));
  return history.rows.filter(({ roomId, seq }) => seq > (initialSeqs.get(roomId) ?? 0));
}

function findUnsentRows(history: History): string[] {
  const sent = new Set(eventsOf(history, 'sent').map(rowKey));
  return newRows(history)
    .filter((row) => !sent.has(rowKey(row)))
    .map(({ ref, roomId, seq }) => `nobody sent ${ref}, which is message ${seq} of room ${roomId}`);
}

function findDoubles(history: History): string[] {
  const rowsOf = Map.groupBy(newRows(history), rowKey);
  return [...rowsOf].filter(([, rows]) => rows.length > 1).map(([key, rows]) => `${key} has ${rows.length} rows`);
}

function findAppliedRefusals(history: History): string[] {
  const sendings = Map.groupBy(eventsOf(history, 'sent'), ({ ref }) => ref);
  const refusals = Map.groupBy(eventsOf(history, 'refused'), ({ ref }) => ref);
  return newRows(history).flatMap(({ ref, roomId, seq }) => {
    const codes = (refusals.get(ref) ?? []).map(({ code }) => code);
    const known = codes.filter((code) => code !== 'unknown_outcome').length;
    const wasRefused = codes.some(isFinalRefusal) || known === sendings.get(ref)?.length;
    return wasRefused ? [`${ref} was refused as ${codes}, and is message ${seq} of room ${roomId}`] : [];
  });
}

const isFinalRefusal = (code: string) => code !== 'unknown_outcome' && isFinal(code);

function findSeqGaps(history: History): string[] {
  return [...rowsOfRooms(history)].flatMap(([roomId, rows]) => {
    const at = rows.findIndex(({ seq }, index) => seq !== index + 1);
    return at < 0 ? [] : [`room ${roomId} has message ${rows[at]?.seq} where ${at + 1} is expected`];
  });
}

/** Checks commands that were sent once. Of the others, nobody knows which sending had the effect. */
function findSwaps(history: History): string[] {
  const seqOf = new Map(history.rows.map((row) => [rowKey(row), row.seq]));
  const sendings = [...Map.groupBy(eventsOf(history, 'sent'), ({ ref }) => ref).values()];
  const sentOnce = sendings.filter(({ length }) => length === 1).map(([only]) => only as EventOf<'sent'>);
  const streams = Map.groupBy(sentOnce, ({ connection, roomId }) => `${connection} ${roomId}`);
  return [...streams.values()].flatMap((sent) => {
    const stored = sent.map((each) => seqOf.get(rowKey(each))).filter((seq) => seq !== undefined);
    const at = stored.findIndex((seq, index) => seq < (stored[index - 1] ?? 0));
    const [{ connection, roomId }] = sent as [EventOf<'sent'>];
    return at < 0
      ? []
      : [`connection ${connection} sent message ${stored[at]} of room ${roomId} after ${stored[at - 1]}`];
  });
}

/** The clients send a command again until it has an outcome, and wait for it at the end of the run. */
function findOpenCommands(history: History): string[] {
  const done = new Set(eventsOf(history, 'acked').map(({ ref }) => ref));
  for (const { ref, code } of eventsOf(history, 'refused')) if (isFinalRefusal(code)) done.add(ref);
  const sent = new Set(eventsOf(history, 'sent').map(({ ref }) => ref));
  return [...sent].filter((ref) => !done.has(ref)).map((ref) => `${ref} has no outcome`);
}
