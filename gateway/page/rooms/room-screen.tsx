import { useEffect, useState } from 'preact/hooks';
import { RoomPane } from '../room/room-pane.tsx';
import type { Session } from '../session/session.ts';
import { texts } from '../texts.ts';
import { hashOf } from '../ui/hash-route.ts';
import { UserCard } from '../ui/user-card.tsx';
import { RoomHeader } from './room-header.tsx';
import { useRoomRecord } from './use-room-record.ts';

/** One room: its header, and below it the room. */
export function RoomScreen({ session, roomId }: { session: Session; roomId: string }) {
  const [showsMembers, setShowsMembers] = useState(false);
  const [shownUser, setShownUser] = useState<string>();
  const room = useRoomRecord(session, roomId);
  const name = typeof room === 'object' ? room.name : texts.name;
  useEffect(() => {
    document.title = name;
  }, [name]);
  if (room === 'gone') return <Gone />;
  if (!room) return <div class="middle middle-empty">{texts.common.loading}</div>;
  return (
    <div class="middle">
      <RoomHeader
        session={session}
        room={room}
        showsMembers={showsMembers}
        onMembers={() => setShowsMembers(!showsMembers)}
      />
      <RoomPane
        session={session}
        room={room}
        showsMembers={showsMembers}
        onCloseMembers={() => setShowsMembers(false)}
        onOpenUser={setShownUser}
      />
      {shownUser && (
        <UserCard session={session} userId={shownUser} room={room} onClose={() => setShownUser(undefined)} />
      )}
    </div>
  );
}

function Gone() {
  return (
    <div class="middle middle-empty">
      <p>{texts.rooms.gone}</p>
      <a class="button" href={hashOf({ page: 'rooms' })}>
        {texts.common.back}
      </a>
    </div>
  );
}
