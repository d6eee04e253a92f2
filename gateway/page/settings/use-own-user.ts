import { useEffect } from 'preact/hooks';
import type { DirectoryUser } from '../session/directory.ts';
import type { Session } from '../session/session.ts';
import { useSnapshot } from '../ui/use-snapshot.ts';

/** @returns the record of the user of this page, once it is loaded, with their e-mail */
export function useOwnUser({ directory, userId }: Session): DirectoryUser | undefined {
  useSnapshot(directory);
  // The record of a room has the user without the e-mail.
  useEffect(() => void directory.reload(userId).catch(() => undefined), [directory, userId]);
  const user = directory.userOf(userId);
  return user?.email ? user : undefined;
}
