import { texts } from '../texts.ts';
import { Icon } from '../ui/icons.tsx';
import { useSnapshot } from '../ui/use-snapshot.ts';
import { Frames } from './frames.tsx';
import type { Inspection } from './inspection.ts';
import { Positions } from './positions.tsx';
import { RecoveryList } from './recovery-list.tsx';

/** For this time the page stays without a connection. */
const CUT_MS = 5_000;

interface DrawerProps {
  inspection: Inspection;
  onClose(): void;
}

/** Shows what passes between the page and the gateway, and what the page got again after a lost connection. */
export function Drawer({ inspection, onClose }: DrawerProps) {
  const words = texts.inspector;
  return (
    <section class="inspector" aria-label={words.title}>
      <header class="inspector-head">
        <h2>{words.title}</h2>
        <button type="button" class="icon-button" aria-label={words.close} onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <p class="inspector-about">{words.about}</p>
      <CutButton inspection={inspection} />
      <RecoveryList inspection={inspection} />
      <Positions inspection={inspection} />
      <Frames inspection={inspection} />
    </section>
  );
}

function CutButton({ inspection }: { inspection: Inspection }) {
  useSnapshot(inspection.log); // Each cut and each new connection changes the state, which is in the log.
  const { isCut } = inspection.sockets;
  const words = texts.inspector;
  return (
    <div class="inspector-cut">
      <button type="button" class="button" onClick={() => (isCut ? inspection.mend() : inspection.cut(CUT_MS))}>
        {isCut ? words.mend : words.cut(CUT_MS / 1_000)}
      </button>
      <p>{isCut ? words.isCut : words.cutHelp}</p>
    </div>
  );
}
