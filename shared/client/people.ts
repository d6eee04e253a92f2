export { type PeopleOfRoom, type PeopleSource, RoomPeople } from './room-people.ts';
export { UnreadCounts, type UnreadSource } from './unread-counts.ts';
export type { RoomUnread } from './unread-room.ts';
