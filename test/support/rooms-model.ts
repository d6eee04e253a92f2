import type { RoomType } from '../../shared/contract/fields.ts';
import type { RoomCommand } from '../../shared/contract/jobs.ts';

/** A command of the model. Users, rooms and messages have their real ids. */
export type ModelCommand = RoomCommand & { roomId: string; targetId: string; roomType?: RoomType };
/** `renewed`: created after every refusal. `passed`: its deadline has passed. */
export type Age = 'normal' | 'renewed' | 'passed';
export type ModelOutcome = { code: string } | { seq: number; isNew: boolean };

export interface Row {
  id: string;
  seq: number;
  userId: string;
  command: string;
  targetId: string;
  text: string;
  name: string | null;
  lastChange: string | null;
  ref: string;
}

export interface ModelRoom {
  ownerId: string;
  name: string;
  roomType: RoomType;
  isDeleted: boolean;
  /** The seq of the message with which each member came. */
  members: Map<string, number>;
  ended: { userId: string; firstSeq: number; lastSeq: number }[];
  rows: Row[];
}

export interface ModelUser {
  firstName: string;
  isAdmin: boolean;
}

/** What `rooms.…` settings of a session allow (shared/quotas.ts). */
export interface ModelQuotas {
  ownedRooms: number;
  joinedRooms: number;
  edits: number;
}

const keyOf = ({ roomId, actorId, ref }: ModelCommand) => `${roomId} ${actorId} ${ref}`;
const bodyOf = ({ command, text, roomType, targetId }: ModelCommand) =>
  JSON.stringify(command === 'CreateRoom' ? [command, text, roomType] : [command, text, targetId]);

/** What Rooms promises about rooms, members, messages, refs, refusals and quotas, in plain code. */
export class RoomsModel {
  readonly rooms = new Map<string, ModelRoom>();
  readonly users: Map<string, ModelUser>;
  readonly #quotas: ModelQuotas;
  readonly #stored = new Map<string, { body: string; seq: number }>();
  readonly #refused = new Map<string, string>();

  constructor(users: Map<string, ModelUser>, quotas: ModelQuotas) {
    this.users = users;
    this.#quotas = quotas;
  }

  apply(command: ModelCommand, age: Age): ModelOutcome {
    const key = keyOf(command);
    const stored = this.#stored.get(key);
    if (stored) return stored.body === bodyOf(command) ? { seq: stored.seq, isNew: false } : { code: 'ref_reused' };
    const refused = age === 'renewed' ? undefined : this.#refused.get(key);
    if (refused) return { code: refused };
    if (age === 'passed') return { code: 'expired' };
    const code = this.#refusalOf(command);
    if (code) this.#refused.set(key, code);
    if (code) return { code };
    const { seq } = this.#change(command);
    this.#stored.set(key, { body: bodyOf(command), seq });
    return { seq, isNew: true };
  }

  /** Returns the room if the viewer may see it. */
  visible(roomId: string, viewerId: string): ModelRoom | undefined {
    const room = this.rooms.get(roomId);
    if (!room || room.isDeleted) return undefined;
    return room.roomType !== 'Private' || room.members.has(viewerId) ? room : undefined;
  }

  #refusalOf(command: ModelCommand): string | undefined {
    const { actorId, roomId } = command;
    if (command.command === 'CreateRoom') return this.#creationRefusal(actorId);
    const room = this.visible(roomId, actorId);
    if (!room) return 'no_such_room';
    switch (command.command) {
      case 'CreateMessage':
        return this.#writeRefusal(room, actorId);
      case 'UpdateMessage':
      case 'DeleteMessage':
        return (
          this.#editRefusal(room, command) ?? this.#writeRefusal(room, actorId) ?? this.#editsRefusal(room, command)
        );
      case 'AddUser':
        return this.#additionRefusal(room, command);
      case 'RemoveUser':
        return this.#removalRefusal(room, command);
      default:
        return room.ownerId === actorId ? undefined : 'owner_only';
    }
  }

  #creationRefusal(actorId: string): string | undefined {
    const owned = [...this.rooms.values()].filter(({ ownerId, isDeleted }) => ownerId === actorId && !isDeleted);
    if (owned.length >= this.#quotas.ownedRooms) return 'too_many_owned_rooms';
    return this.#joinRefusal(actorId);
  }

  #joinRefusal(userId: string): string | undefined {
    const joined = [...this.rooms.values()].filter(({ members }) => members.has(userId));
    return joined.length >= this.#quotas.joinedRooms ? 'too_many_rooms' : undefined;
  }

  #writeRefusal({ members, roomType, ownerId }: ModelRoom, actorId: string): string | undefined {
    if (!members.has(actorId)) return 'not_a_member';
    const mayWrite = roomType !== 'ReadOnly' || ownerId === actorId || this.users.get(actorId)?.isAdmin;
    return mayWrite ? undefined : 'read_only_room';
  }

  #editRefusal({ rows }: ModelRoom, { targetId, actorId }: ModelCommand): string | undefined {
    const target = rows.find(({ id }) => id === targetId);
    if (!target) return 'no_such_message';
    if (target.command !== 'CreateMessage') return 'not_editable';
    if (target.userId !== actorId) return 'author_only';
    return target.text === '' ? 'no_such_message' : undefined;
  }

  #editsRefusal({ rows }: ModelRoom, { command, targetId }: ModelCommand): string | undefined {
    if (command === 'DeleteMessage') return undefined;
    const edits = rows.filter((row) => row.command === 'UpdateMessage' && row.targetId === targetId);
    return edits.length >= this.#quotas.edits ? 'too_many_edits' : undefined;
  }

  #additionRefusal(room: ModelRoom, { actorId, targetId }: ModelCommand): string | undefined {
    if (!this.users.has(targetId)) return 'no_such_user';
    const addsThemselves = actorId === targetId && room.roomType !== 'Private';
    if (actorId !== room.ownerId && !addsThemselves) return 'owner_only';
    if (room.members.has(targetId)) return 'already_in_room';
    return this.#joinRefusal(targetId);
  }

  #removalRefusal({ ownerId, members }: ModelRoom, { actorId, targetId }: ModelCommand): string | undefined {
    if (!this.users.has(targetId)) return 'no_such_user';
    if (actorId !== ownerId && actorId !== targetId) return 'owner_only';
    if (targetId === ownerId) return 'owner_stays';
    return members.has(targetId) ? undefined : 'user_not_in_room';
  }

  /** Changes the room and appends the row that records the change. @returns the row */
  #change(command: ModelCommand): Row {
    const { targetId, actorId, text, id, ref, roomId } = command;
    const room = this.rooms.get(roomId) ?? this.#createRoom(command);
    const name = this.users.get(targetId)?.firstName;
    const row = { id, ref, seq: room.rows.length + 1, userId: actorId, command: command.command, targetId };
    const append = (rowText: string, rowName: string | null = null) => {
      room.rows.push({ ...row, text: rowText, name: rowName, lastChange: null });
      return room.rows.at(-1) as Row;
    };
    switch (command.command) {
      case 'CreateMessage':
        return append(text);
      case 'UpdateMessage':
        this.#changeText(room, command, text);
        return append(text);
      case 'DeleteMessage':
        this.#changeText(room, command, '');
        return append('');
      case 'AddUser':
        room.members.set(targetId, row.seq);
        return append(`${name} joined the room`);
      case 'RemoveUser':
        this.#endMembership(room, targetId);
        return append(`${name} left the room`);
      case 'CreateRoom':
        return append('Room created', text);
      case 'UpdateRoom':
        room.name = text;
        return append('Room updated', text);
      case 'DeleteRoom':
        room.isDeleted = true;
        for (const member of room.members.keys()) this.#endMembership(room, member);
        return append('Room deleted');
    }
  }

  /** The next row of the room is the last one that the user gets. */
  #endMembership({ members, ended, rows }: ModelRoom, userId: string): void {
    ended.push({ userId, firstSeq: members.get(userId) as number, lastSeq: rows.length + 1 });
    members.delete(userId);
  }

  /** Changes a message, and erases the text of its newest edit. */
  #changeText({ rows }: ModelRoom, { targetId, command }: ModelCommand, text: string): void {
    const edit = rows.findLast((row) => row.command === 'UpdateMessage' && row.targetId === targetId);
    if (edit) edit.text = '';
    Object.assign(rows.find(({ id }) => id === targetId) as Row, { text, lastChange: command });
  }

  #createRoom({ roomId, actorId, text, roomType }: ModelCommand): ModelRoom {
    const members = new Map([[actorId, 1]]);
    const room: ModelRoom = {
      ownerId: actorId,
      name: text,
      roomType: roomType as RoomType,
      isDeleted: false,
      members,
      ended: [],
      rows: [],
    };
    this.rooms.set(roomId, room);
    return room;
  }
}
