export { UnreadCounts, type UnreadSource } from './unread-counts.ts';
export type { RoomUnread } from './unread-room.ts';
