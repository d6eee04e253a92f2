import { useState } from 'preact/hooks';
import type { Session } from '../session/session.ts';
import { texts } from '../texts.ts';
import { hashOf } from '../ui/hash-route.ts';
import { Icon } from '../ui/icons.tsx';
import { Menu, type MenuItem } from '../ui/menu.tsx';
import { Notice } from '../ui/notice.tsx';
import { useTask } from '../ui/use-task.ts';
import { RoomDialog, type RoomDialogName } from './room-dialogs.tsx';
import type { RoomRecord } from './room-record.ts';

interface RoomHeaderProps {
  session: Session;
  room: RoomRecord;
  showsMembers: boolean;
  onMembers(): void;
}

/** The name of the room, and what the user may do with the room. */
export function RoomHeader({ session, room, showsMembers, onMembers }: RoomHeaderProps) {
  const [dialog, setDialog] = useState<RoomDialogName>();
  const isMember = session.client.rooms.has(room.id);
  const items = itemsFor(session, room, isMember, setDialog);
  return (
    <header class="room-header">
      <a class="icon-button only-phone" href={hashOf({ page: 'rooms' })} aria-label={texts.common.back}>
        <Icon name="back" />
      </a>
      <div class="room-header-title">
        <h1 dir="auto">{room.name}</h1>
        <small>{texts.rooms.types[room.roomType]}</small>
      </div>
      {!isMember && <JoinButton session={session} roomId={room.id} />}
      <button
        type="button"
        class="icon-button"
        aria-label={texts.rooms.members}
        title={texts.rooms.members}
        aria-pressed={showsMembers}
        onClick={onMembers}
      >
        <Icon name="members" />
      </button>
      {items.length > 0 && <Menu label={texts.rooms.menu} items={items} />}
      {dialog && <RoomDialog name={dialog} session={session} room={room} onClose={() => setDialog(undefined)} />}
    </header>
  );
}

function itemsFor(
  { userId }: Session,
  { id, ownerId }: RoomRecord,
  isMember: boolean,
  open: (name: RoomDialogName) => void,
): MenuItem[] {
  const words = texts.rooms;
  // Everyone is in a room without an owner, and nobody can change it.
  if (ownerId === id) return [];
  if (ownerId !== userId) return isMember ? [{ label: words.leave, act: () => open('leave') }] : [];
  return [
    { label: words.rename, act: () => open('rename') },
    { label: words.delete, isDangerous: true, act: () => open('delete') },
  ];
}

function JoinButton({ session, roomId }: { session: Session; roomId: string }) {
  const task = useTask(() => session.client.send({ command: 'AddUser', roomId, targetId: session.userId }));
  return (
    <>
      <Notice error={task.error} />
      <button type="button" class="button button-primary" disabled={task.isRunning} onClick={() => task.run()}>
        {texts.rooms.join}
      </button>
    </>
  );
}
