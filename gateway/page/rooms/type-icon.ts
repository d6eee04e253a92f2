import type { RoomType } from '../../../shared/client/protocol.ts';
import type { IconName } from '../ui/icons.tsx';

/** @returns the icon of a room of this type */
export function typeIcon(roomType: RoomType | undefined): IconName {
  if (roomType === 'Private') return 'lock';
  return roomType === 'ReadOnly' ? 'megaphone' : 'room';
}
