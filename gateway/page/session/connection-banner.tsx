import { texts } from '../texts.ts';
import { useSnapshot } from '../ui/use-snapshot.ts';
import type { ConnectionStatus, Status } from './connection-status.ts';

/** The state of the connection, always visible. A screen reader announces each change. */
export function ConnectionBanner({ connection }: { connection: ConnectionStatus }) {
  const status = useSnapshot(connection);
  const canRetry = status.phase === 'offline' || status.phase === 'closed';
  return (
    <div class={`connection connection-${status.phase}`}>
      <span class="connection-dot" aria-hidden="true" />
      <span role="status">{textOf(status)}</span>
      {canRetry && (
        <button type="button" class="link-button" onClick={() => connection.retry()}>
          {texts.connection.retry}
        </button>
      )}
    </div>
  );
}

function textOf({ phase, reason }: Status): string {
  const words = texts.connection;
  if (phase !== 'offline' && phase !== 'closed') return words[phase];
  return words[phase](words.reasons[reason] ?? reason);
}
