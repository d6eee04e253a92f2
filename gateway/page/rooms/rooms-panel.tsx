import { useState } from 'preact/hooks';
import type { Session } from '../session/session.ts';
import { texts } from '../texts.ts';
import { hashOf, type Route } from '../ui/hash-route.ts';
import { Icon } from '../ui/icons.tsx';
import { useSnapshot } from '../ui/use-snapshot.ts';
import { CreateRoom } from './create-room.tsx';
import { FindRooms } from './find-rooms.tsx';
import { RoomRow } from './room-row.tsx';

interface RoomsPanelProps {
  session: Session;
  route: Route;
  onInspect(): void;
}

/** The side of the page: the rooms of the user, and the ways to more rooms. */
export function RoomsPanel({ session, route, onInspect }: RoomsPanelProps) {
  const [dialog, setDialog] = useState<'create' | 'find'>();
  const close = () => setDialog(undefined);
  return (
    <div class="side">
      <PanelHead onCreate={() => setDialog('create')} onFind={() => setDialog('find')} onInspect={onInspect} />
      <Rooms session={session} route={route} />
      {dialog === 'create' && <CreateRoom session={session} onClose={close} />}
      {dialog === 'find' && <FindRooms session={session} onClose={close} />}
    </div>
  );
}

function PanelHead({ onCreate, onFind, onInspect }: Record<'onCreate' | 'onFind' | 'onInspect', () => void>) {
  const words = texts.rooms;
  const buttons = [
    ['find', words.find, onFind],
    ['add', words.create, onCreate],
    ['inspect', texts.inspector.open, onInspect],
  ] as const;
  return (
    <header class="side-head">
      <h1>{words.title}</h1>
      {buttons.map(([icon, label, open]) => (
        <button type="button" key={icon} class="icon-button" aria-label={label} title={label} onClick={open}>
          <Icon name={icon} />
        </button>
      ))}
      <a
        class="icon-button"
        href={hashOf({ page: 'settings' })}
        aria-label={texts.settings.title}
        title={texts.settings.title}
      >
        <Icon name="settings" />
      </a>
    </header>
  );
}

function Rooms({ session, route }: Omit<RoomsPanelProps, 'onInspect'>) {
  const rooms = useSnapshot(session.rooms);
  const { phase } = useSnapshot(session.connection);
  const countOf = useSnapshot(session.unread);
  useSnapshot(session.directory);
  const openId = route.page === 'room' ? route.roomId : undefined;
  if (rooms.length === 0) return <p class="side-empty">{phase === 'live' ? texts.rooms.none : texts.common.loading}</p>;
  return (
    <nav class="side-rooms" aria-label={texts.rooms.title}>
      <ul>
        {rooms.map((room) => (
          <RoomRow
            key={room.id}
            session={session}
            room={room}
            counts={countOf.get(room.id)}
            isOpen={room.id === openId}
          />
        ))}
      </ul>
    </nav>
  );
}
