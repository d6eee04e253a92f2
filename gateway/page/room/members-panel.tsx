import { useState } from 'preact/hooks';
import type { RoomSnapshot } from '../../../shared/client/room-view.ts';
import type { RoomRecord } from '../rooms/room-record.ts';
import type { Session } from '../session/session.ts';
import { texts } from '../texts.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Icon } from '../ui/icons.tsx';
import { AddMember } from './add-member.tsx';

interface MembersPanelProps {
  session: Session;
  room: RoomRecord;
  members: RoomSnapshot['members'];
  /** The ids of all members who are online now. Undefined if the page knows only a part of them. */
  onlineIds?: ReadonlySet<string> | undefined;
  onOpenUser(userId: string): void;
  onClose(): void;
}

/** The members of a room, and for the owner a way to add one. */
export function MembersPanel({ session, room, members, onlineIds, onOpenUser, onClose }: MembersPanelProps) {
  const [isAdding, setAdding] = useState(false);
  const isOnline = (id: string, record: boolean | undefined) => (onlineIds ? onlineIds.has(id) : (record ?? false));
  const online = members.filter((member) => isOnline(member.id, member.isOnline)).length;
  const words = texts.room;
  return (
    <section class="members" aria-label={texts.rooms.members}>
      <header class="members-head">
        <div>
          <h2>{texts.rooms.members}</h2>
          <small>{words.online(online, members.length)}</small>
        </div>
        {room.ownerId === session.userId && (
          <button
            type="button"
            class="icon-button"
            aria-label={words.add}
            title={words.add}
            onClick={() => setAdding(true)}
          >
            <Icon name="add" />
          </button>
        )}
        <button type="button" class="icon-button" aria-label={texts.common.close} onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <ul class="members-list">
        {members.map(({ id, isOnline: record }) => {
          const name = session.directory.nameOf(id) || texts.common.unknownUser;
          const isHere = isOnline(id, record);
          return (
            <li key={id}>
              <button type="button" class="member" onClick={() => onOpenUser(id)}>
                <Avatar name={name} userId={id} isOnline={isHere} />
                <span dir="auto">{name}</span>
                {isHere && <span class="hidden-text">, {texts.common.online}</span>}
                {id === room.ownerId && <small>{texts.user.owner}</small>}
              </button>
            </li>
          );
        })}
      </ul>
      {isAdding && <AddMember session={session} roomId={room.id} onClose={() => setAdding(false)} />}
    </section>
  );
}
