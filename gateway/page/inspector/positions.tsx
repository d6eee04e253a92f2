import { texts } from '../texts.ts';
import { useSnapshot } from '../ui/use-snapshot.ts';
import type { Inspection } from './inspection.ts';

/** For each room, the seq of the last message that the page has. */
export function Positions({ inspection }: { inspection: Inspection }) {
  useSnapshot(inspection.log); // A position changes only with a frame.
  const words = texts.inspector.positions;
  return (
    <details class="inspector-part">
      <summary>{words.title}</summary>
      <p>{words.about}</p>
      <table>
        <thead>
          <tr>
            <th scope="col">{words.room}</th>
            <th scope="col">{words.seq}</th>
          </tr>
        </thead>
        <tbody>
          {inspection.positions.map(({ roomId, name, seq }) => (
            <tr key={roomId}>
              <td dir="auto">{name}</td>
              <td>{seq}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
