import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { PeopleOfRoom } from '../../../shared/client/room-people.ts';
import type { CommittedMessage } from '../../../shared/client/room-view.ts';
import type { RoomRecord } from '../rooms/room-record.ts';
import type { Session } from '../session/session.ts';
import { texts } from '../texts.ts';
import { useSnapshot } from '../ui/use-snapshot.ts';
import type { ShownMessage } from './chunks.ts';
import { Composer } from './composer.tsx';
import { MembersPanel } from './members-panel.tsx';
import { MessageActions } from './message-actions.tsx';
import { isDeleted } from './message-kind.ts';
import { MessageList } from './message-list.tsx';
import type { RowContext } from './message-row.tsx';
import { TypingLine } from './typing-line.tsx';

const MAX_MESSAGES = 10_000;

interface RoomPaneProps {
  session: Session;
  room: RoomRecord;
  showsMembers: boolean;
  onCloseMembers(): void;
  onOpenUser(userId: string): void;
}

/** The messages of a room, a place to write, and the members. */
export function RoomPane({ session, room, showsMembers, onCloseMembers, onOpenUser }: RoomPaneProps) {
  const { client, directory, userId } = session;
  const view = useMemo(() => client.room(room.id, { maxMessages: MAX_MESSAGES }), [client, room.id]);
  useEffect(() => () => view.close(), [view]);
  const snapshot = useSnapshot(view);
  const [acting, setActing] = useState<CommittedMessage>();
  const [edited, setEdited] = useState<CommittedMessage>();
  const markRead = useCallback((seq: number) => session.unread.markRead(room.id, seq), [session, room.id]);
  const unreadAfter = useUnreadAfter(session, room.id);
  const people = usePeople(session, room.id);
  const context = useMemo<RowContext>(
    () => ({
      ...{ view, directory, ownId: userId, unreadAfter },
      onActions: (message) => isCommitted(message) && setActing(message),
    }),
    [view, directory, userId, unreadAfter],
  );
  useEffect(() => directory.add(snapshot.members), [directory, snapshot.members]);
  const lastOwn = snapshot.messages.findLast((message) => !isCommitted(message) || isOwnText(message, userId));
  return (
    <div class="room-pane">
      <div class="room-main">
        <MessageList snapshot={snapshot} context={context} onReadToEnd={markRead} />
        <TypingLine userIds={people?.typing ?? []} nameOf={(id) => directory.nameOf(id)} />
        {mayWrite(session, room) ? (
          <Composer
            view={view}
            edited={edited}
            onEdited={setEdited}
            lastOwn={lastOwn && isCommitted(lastOwn) ? lastOwn : undefined}
            onTyping={() => session.people.typing(room.id)}
          />
        ) : (
          <p class="composer quiet">{client.rooms.has(room.id) ? texts.room.readOnly : texts.room.joinToWrite}</p>
        )}
      </div>
      {showsMembers && (
        <MembersPanel
          session={session}
          room={room}
          members={snapshot.members}
          onlineIds={people && people.users.size === people.online ? people.users : undefined}
          onOpenUser={onOpenUser}
          onClose={onCloseMembers}
        />
      )}
      {acting && (
        <MessageActions
          view={view}
          message={acting}
          onEdit={() => setEdited(acting)}
          onClose={() => setActing(undefined)}
        />
      )}
    </div>
  );
}

/** @returns the mark that the user had when the room was opened, if messages were unread then */
function useUnreadAfter({ unread }: Session, roomId: string): number | undefined {
  useSnapshot(unread);
  const first = useRef<{ read: number; unread: number }>(undefined);
  // The page marks messages as read soon, so only the first counts say where the user was.
  first.current ??= unread.of(roomId);
  return first.current && first.current.unread > 0 ? first.current.read : undefined;
}

/** @returns who is online and who types in the room that the page shows */
function usePeople({ people }: Session, roomId: string): PeopleOfRoom | undefined {
  useEffect(() => {
    people.watch([roomId]);
    return () => people.watch([]);
  }, [people, roomId]);
  return useSnapshot(people).get(roomId);
}

const isCommitted = (message: ShownMessage): message is CommittedMessage => 'id' in message;

const isOwnText = (message: CommittedMessage, userId: string) =>
  message.userId === userId && !isDeleted(message) && ['CreateMessage', 'UpdateMessage'].includes(message.command);

function mayWrite({ client, directory, userId }: Session, { id, ownerId, roomType }: RoomRecord): boolean {
  if (!client.rooms.has(id)) return false;
  return roomType !== 'ReadOnly' || ownerId === userId || (directory.userOf(userId)?.roles?.includes('admin') ?? false);
}
