import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Session } from '../session/session.ts';
import { texts } from '../texts.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Field } from '../ui/field.tsx';
import { go } from '../ui/hash-route.ts';
import { Icon } from '../ui/icons.tsx';
import { Notice } from '../ui/notice.tsx';
import { useSnapshot } from '../ui/use-snapshot.ts';
import { useTask } from '../ui/use-task.ts';
import { OpenRooms } from './open-rooms.ts';
import type { RoomRecord } from './room-record.ts';
import { typeIcon } from './type-icon.ts';

/** Shows the rooms that everyone may join. */
export function FindRooms({ session, onClose }: { session: Session; onClose(): void }) {
  const [part, setPart] = useState('');
  const list = useMemo(() => new OpenRooms(session.client), [session.client]);
  useEffect(() => void list.load(), [list]);
  const { rooms, hasMore, error } = useSnapshot(list);
  const found = rooms.filter(({ name }) => name.toLowerCase().includes(part.trim().toLowerCase()));
  const words = texts.rooms;
  return (
    <Dialog title={words.find} onClose={onClose}>
      <Field label={words.findHint} type="search" autofocus value={part} onValue={setPart} />
      <Notice error={error} />
      {found.length === 0 && !hasMore && <p class="quiet">{words.noneFound}</p>}
      <ul class="found-rooms">
        {found.map((room) => (
          <FoundRoom key={room.id} session={session} room={room} onClose={onClose} />
        ))}
      </ul>
      {hasMore && (
        <button type="button" class="button" onClick={() => list.load()}>
          {texts.common.more}
        </button>
      )}
    </Dialog>
  );
}

function FoundRoom({ session, room, onClose }: { session: Session; room: RoomRecord; onClose(): void }) {
  const { id: roomId, name, roomType } = room;
  const task = useTask(async () => {
    await session.client.send({ command: 'AddUser', roomId, targetId: session.userId });
    onClose();
    go({ page: 'room', roomId });
  });
  return (
    <li class="found-room">
      <Icon name={typeIcon(roomType)} />
      <span class="found-room-name" dir="auto">
        {name}
      </span>
      <button
        type="button"
        class="button"
        aria-label={texts.rooms.joinRoom(name)}
        disabled={task.isRunning}
        onClick={() => task.run()}
      >
        {texts.rooms.join}
      </button>
      <Notice error={task.error} />
    </li>
  );
}
