import { useEffect } from 'preact/hooks';
import type { Session } from '../session/session.ts';
import { texts } from '../texts.ts';
import { Avatar } from './avatar.tsx';
import { Dialog } from './dialog.tsx';
import { Notice } from './notice.tsx';
import { useSnapshot } from './use-snapshot.ts';
import { useTask } from './use-task.ts';

interface UserCardProps {
  session: Session;
  userId: string;
  /** The room in which the card was opened. `ownerId` is its owner. */
  room?: { id: string; ownerId: string } | undefined;
  onClose(): void;
}

/** Who a user is, and what the person in front of the page may do with them. */
export function UserCard({ session, userId, room, onClose }: UserCardProps) {
  const { directory } = session;
  useSnapshot(directory);
  useEffect(() => void directory.reload(userId).catch(() => undefined), [directory, userId]);
  const user = directory.userOf(userId);
  const name = directory.nameOf(userId) || texts.common.unknownUser;
  const words = texts.user;
  return (
    <Dialog title={name} onClose={onClose}>
      <div class="user-card">
        <Avatar name={name} userId={userId} isOnline={user?.isOnline} />
        <ul>
          {user?.email && <li dir="auto">{user.email}</li>}
          <li>{user?.isOnline ? texts.common.online : texts.common.offline}</li>
          <li>{user?.roles?.includes('admin') ? words.admin : words.member}</li>
          {room?.ownerId === userId && <li>{words.owner}</li>}
        </ul>
      </div>
      <UserActions session={session} userId={userId} room={room} onClose={onClose} />
    </Dialog>
  );
}

function UserActions({ session, userId, room, onClose }: UserCardProps) {
  const { client, directory } = session;
  const isAdmin = directory.userOf(userId)?.roles?.includes('admin') ?? false;
  const changeRole = useTask(async () => {
    await client.request(isAdmin ? 'DELETE' : 'POST', `/api/users/${userId}/roles/admin`);
    await directory.reload(userId);
  });
  const remove = useTask(async () => {
    await client.send({ command: 'RemoveUser', roomId: room?.id ?? '', targetId: userId });
    onClose();
  });
  const mayChangeRole = directory.userOf(session.userId)?.roles?.includes('admin');
  const mayRemove = room?.ownerId === session.userId && userId !== session.userId;
  return (
    <>
      <Notice error={changeRole.error ?? remove.error} />
      <div class="actions">
        {mayChangeRole && (
          <button type="button" class="button" disabled={changeRole.isRunning} onClick={() => changeRole.run()}>
            {isAdmin ? texts.user.endAdmin : texts.user.makeAdmin}
          </button>
        )}
        {mayRemove && (
          <button type="button" class="button button-danger" disabled={remove.isRunning} onClick={() => remove.run()}>
            {texts.user.remove}
          </button>
        )}
      </div>
    </>
  );
}
