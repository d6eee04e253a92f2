import { texts } from '../texts.ts';
import { useSnapshot } from '../ui/use-snapshot.ts';
import type { Inspection } from './inspection.ts';
import type { Recovery } from './recoveries.ts';

/** What was replayed after each lost connection and each gap, the newest first. */
export function RecoveryList({ inspection }: { inspection: Inspection }) {
  const recoveries = useSnapshot(inspection.recoveries);
  const words = texts.inspector.recoveries;
  const names = new Map(inspection.positions.map(({ roomId, name }) => [roomId, name]));
  return (
    <details class="inspector-part" open>
      <summary>{words.title(recoveries.length)}</summary>
      {recoveries.length === 0 && <p>{words.none}</p>}
      <ol class="recoveries">
        {recoveries.toReversed().map((recovery) => (
          <li key={recovery.number}>
            <RecoveryItem recovery={recovery} nameOf={(id) => names.get(id) ?? id} />
          </li>
        ))}
      </ol>
    </details>
  );
}

function RecoveryItem({ recovery, nameOf }: { recovery: Recovery; nameOf(roomId: string): string }) {
  const { reason, began, ended, rooms, copies } = recovery;
  const words = texts.inspector.recoveries;
  return (
    <>
      <strong>{ended === undefined ? words.open(reason) : words.done(reason, ended - began)}</strong>
      <ul>
        {rooms.map(({ roomId, firstSeq, lastSeq, messages }) => (
          <li key={roomId}>
            <bdi>{nameOf(roomId)}</bdi>: {words.replayed(messages, firstSeq, lastSeq)}
          </li>
        ))}
        {ended !== undefined && rooms.length === 0 && <li>{words.nothingMissed}</li>}
        {copies > 0 && <li>{words.copies(copies)}</li>}
      </ul>
    </>
  );
}
