import type { Command } from '../../contract/commands.ts';
import { type ErrorCode, Refusal } from '../../contract/errors.ts';
import { newId, standingRoomIds } from '../../contract/ids.ts';
import type { Message } from '../../contract/messages.ts';
import type { KitRoom, KitUser, Membership } from './room.ts';
import { type CommandContent, rowOf } from './rows.ts';

/** The rooms and messages of the kit. They are in memory, so a restart of the server of the kit loses nothing. */
export class World {
  epoch = newId();
  readonly users = new Map<string, KitUser>();
  readonly rooms = new Map<string, KitRoom>();
  /** The rows that commands with a ref have made. */
  readonly #byRef = new Map<string, { row: Message; content: string }>();
  readonly #listeners = new Set<(room: KitRoom, row: Message) => void>();

  constructor() {
    const standing = { ownerId: '', rows: [], memberships: [], isDeleted: false };
    this.rooms.set('general', { ...structuredClone(standing), id: 'general', name: 'General', roomType: 'Public' });
    this.rooms.set('announcements', {
      ...{ ...structuredClone(standing), id: 'announcements', name: 'Announcements', roomType: 'ReadOnly' },
    });
  }

  /** Calls the listener after each new message. */
  onRow(listener: (room: KitRoom, row: Message) => void): void {
    this.#listeners.add(listener);
  }

  addUser(firstName: string): KitUser {
    const id = newId();
    const user = { id, firstName, email: `${firstName.toLowerCase()}@example.com`, password: 'a password' };
    this.users.set(id, user);
    for (const roomId of standingRoomIds) this.room(roomId).memberships.push({ userId: id, first: 0, end: undefined });
    return user;
  }

  /** @throws Refusal `no_such_room` */
  room(roomId: string): KitRoom {
    const room = this.rooms.get(roomId);
    if (!room || room.isDeleted) throw new Refusal('no_such_room');
    return room;
  }

  membership({ memberships }: KitRoom, userId: string): Membership | undefined {
    return memberships.find((membership) => membership.userId === userId && membership.end === undefined);
  }

  roomsOf(userId: string): KitRoom[] {
    return [...this.rooms.values()].filter((room) => !room.isDeleted && this.membership(room, userId));
  }

  /** Applies a command once for each ref. @throws Refusal */
  apply(userId: string, command: Command): Message {
    const { ref, ...rest } = command;
    const key = ref && `${userId} ${'roomId' in command ? command.roomId : ''} ${ref}`;
    const known = key && this.#byRef.get(key);
    const content = JSON.stringify(rest);
    if (known && known.content !== content) throw new Refusal('ref_reused');
    if (known) return known.row;
    const row = this.#applyNew(userId, command);
    if (key) this.#byRef.set(key, { row, content });
    return row;
  }

  #applyNew(userId: string, command: Command): Message {
    if (command.command === 'CreateRoom') return this.#createRoom(userId, command);
    const room = this.room(command.roomId);
    const membership = this.membership(room, userId);
    if (!membership && room.roomType === 'Private') throw new Refusal('no_such_room');
    const refusal = refusalOf(room, userId, command, membership !== undefined);
    if (refusal) throw new Refusal(refusal);
    if (command.command === 'UpdateRoom') room.name = command.text;
    return this.#append(room, userId, command);
  }

  #createRoom(userId: string, command: Extract<Command, { command: 'CreateRoom' }>): Message {
    const { text: name, roomType } = command;
    const room = { id: newId(), name, roomType, ownerId: userId, rows: [], memberships: [], isDeleted: false };
    this.rooms.set(room.id, room);
    return this.#append(room, userId, command);
  }

  #append(room: KitRoom, userId: string, command: CommandContent): Message {
    const targetName = this.users.get(command.targetId ?? '')?.firstName ?? '';
    const row = rowOf(command, { room, userId, targetName });
    room.rows.push(row);
    this.#changeMemberships(room, row);
    for (const listener of this.#listeners) listener(room, row);
    return row;
  }

  #changeMemberships(room: KitRoom, { command, userId, targetId, seq }: Message): void {
    const end = (membership: Membership) => {
      membership.end ??= seq;
    };
    const ofTarget = room.memberships.filter((membership) => membership.userId === targetId);
    if (command === 'CreateRoom') room.memberships.push({ userId, first: seq, end: undefined });
    if (command === 'AddUser') room.memberships.push({ userId: targetId, first: seq, end: undefined });
    if (command === 'RemoveUser') ofTarget.forEach(end);
    if (command !== 'DeleteRoom') return;
    room.memberships.forEach(end);
    room.isDeleted = true;
  }
}

/** The rights that the conversations of the kit need. Rooms has more. */
function refusalOf(room: KitRoom, userId: string, command: Command, isMember: boolean): ErrorCode | undefined {
  const isOwner = room.ownerId === userId;
  if (!isMember && command.command !== 'AddUser') return 'not_a_member';
  if (command.command === 'UpdateMessage' || command.command === 'DeleteMessage') {
    const target = room.rows.find(({ id }) => id === command.targetId);
    const isDeleted = room.rows.some((row) => row.command === 'DeleteMessage' && row.targetId === command.targetId);
    if (!target || isDeleted) return 'no_such_message';
    if (target.userId !== userId) return 'author_only';
    return target.command === 'CreateMessage' ? undefined : 'not_editable';
  }
  if (command.command === 'UpdateRoom' || command.command === 'DeleteRoom') return isOwner ? undefined : 'owner_only';
  if (command.command !== 'AddUser' && command.command !== 'RemoveUser') return undefined;
  if (!isOwner && command.targetId !== userId) return 'owner_only';
  const isInRoom = room.memberships.some((each) => each.userId === command.targetId && each.end === undefined);
  if (command.command === 'AddUser') return isInRoom ? 'already_in_room' : undefined;
  return isInRoom ? undefined : 'user_not_in_room';
}
