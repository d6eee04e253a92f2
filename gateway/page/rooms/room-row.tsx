import { useEffect, useRef } from 'preact/hooks';
import type { RoomUnread } from '../../../shared/client/unread-room.ts';
import type { Session } from '../session/session.ts';
import { texts } from '../texts.ts';
import { hashOf } from '../ui/hash-route.ts';
import { Icon } from '../ui/icons.tsx';
import { previewOf, shortTime } from './preview.ts';
import type { ListedRoom } from './room-list.ts';
import { typeIcon } from './type-icon.ts';

interface RoomRowProps {
  session: Session;
  room: ListedRoom;
  counts: RoomUnread | undefined;
  isOpen: boolean;
}

/** A room in the list. It loads what it shows when it becomes visible. */
export function RoomRow({ session, room, counts, isOpen }: RoomRowProps) {
  const ref = useRef<HTMLLIElement>(null);
  const isComplete = Boolean(room.name && room.roomType && room.last);
  useEffect(() => {
    if (isComplete || !ref.current) return;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) session.rooms.show(room.id);
    });
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, [session, room.id, isComplete]);
  const { last } = room;
  return (
    <li ref={ref}>
      <a class="room-row" href={hashOf({ page: 'room', roomId: room.id })} aria-current={isOpen ? 'page' : undefined}>
        <span class="room-row-icon">
          <Icon name={typeIcon(room.roomType)} />
        </span>
        <span class="room-row-name" dir="auto">
          {room.name ?? texts.rooms.unnamed}
        </span>
        {last && (
          <time class="room-row-time" dateTime={last.createdAt}>
            {shortTime(last.createdAt)}
          </time>
        )}
        <span class="room-row-last" dir="auto">
          {last && previewOf(last, authorOf(session, last.userId))}
        </span>
        <Counts counts={counts} />
      </a>
    </li>
  );
}

function authorOf({ userId, directory }: Session, authorId: string): string {
  if (authorId === userId) return texts.common.you;
  return directory.userOf(authorId)?.firstName ?? '';
}

function Counts({ counts }: { counts: RoomUnread | undefined }) {
  const { unread, mentions } = counts ?? { unread: 0, mentions: 0 };
  if (unread === 0) return null;
  return (
    <span class="room-row-counts">
      {mentions > 0 && (
        <span class="badge badge-mention" title={texts.rooms.mentions(mentions)}>
          <span aria-hidden="true">@{mentions > 1 && mentions}</span>
          <span class="hidden-text">{texts.rooms.mentions(mentions)}</span>
        </span>
      )}
      <span class="badge" title={texts.rooms.unread(unread)}>
        <span aria-hidden="true">{unread > 999 ? '999+' : unread}</span>
        <span class="hidden-text">{texts.rooms.unread(unread)}</span>
      </span>
    </span>
  );
}
