import { useState } from 'preact/hooks';
import { texts } from '../texts.ts';
import { useSnapshot } from '../ui/use-snapshot.ts';
import type { LogEntry } from './frame-log.ts';
import type { Inspection } from './inspection.ts';
import { whyHere } from './why-here.ts';

/** Older entries stay in the log, but are not shown. */
const MAX_SHOWN = 200;
/** A `Welcome` of a user with very many rooms is long. */
const MAX_SHOWN_CHARACTERS = 20_000;

/** The frames of the client, the newest first. A chosen frame shows its text, and a message shows why it stands there. */
export function Frames({ inspection }: { inspection: Inspection }) {
  const log = useSnapshot(inspection.log);
  const [filter, setFilter] = useState('');
  const [stopped, setStopped] = useState<readonly LogEntry[]>();
  const words = texts.inspector.frames;
  const shown = (stopped ?? log).filter((entry) => matches(entry, filter)).slice(-MAX_SHOWN);
  return (
    <section class="inspector-part inspector-frames" aria-label={words.title}>
      <h3>{words.title}</h3>
      <div class="inspector-tools">
        <input
          type="search"
          aria-label={words.filter}
          placeholder={words.filter}
          value={filter}
          onInput={({ currentTarget }) => setFilter(currentTarget.value)}
        />
        <button
          type="button"
          class="button"
          aria-pressed={!!stopped}
          onClick={() => setStopped(stopped ? undefined : log)}
        >
          {words.pause}
        </button>
        <button type="button" class="button" onClick={() => inspection.log.clear()}>
          {words.clear}
        </button>
      </div>
      <ol class="frames">
        {shown.toReversed().map((entry) => (
          <li key={entry.number}>
            <Entry entry={entry} log={log} />
          </li>
        ))}
      </ol>
    </section>
  );
}

function matches({ name, text }: LogEntry, filter: string): boolean {
  return `${name} ${text}`.toLowerCase().includes(filter.toLowerCase());
}

function Entry({ entry, log }: { entry: LogEntry; log: readonly LogEntry[] }) {
  const [isOpen, setOpen] = useState(false);
  const { kind, name, place, time, frame } = entry;
  const words = texts.inspector.frames;
  return (
    <details class={`frame frame-${kind}`} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <span class="frame-kind">{words.kinds[kind]}</span>
        <span class="frame-name">{name}</span>
        {frame && 'seq' in frame && <span class="frame-seq">#{frame.seq}</span>}
        {place && <span class={`frame-place place-${place}`}>{words.places[place]}</span>}
        <time>{new Date(time).toISOString().slice(11, 23)}</time>
      </summary>
      {isOpen && <EntryDetails entry={entry} log={log} />}
    </details>
  );
}

function EntryDetails({ entry, log }: { entry: LogEntry; log: readonly LogEntry[] }) {
  return (
    <>
      <ul class="frame-why">
        {whyHere(entry, log).map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      <pre>{entry.frame ? JSON.stringify(entry.frame, undefined, 2).slice(0, MAX_SHOWN_CHARACTERS) : entry.text}</pre>
    </>
  );
}
