import type { RoomType } from '../../contract/fields.ts';
import type { Message } from '../../contract/messages.ts';

export interface KitUser {
  id: string;
  firstName: string;
  email: string;
  password: string;
}

export interface Membership {
  userId: string;
  /** The seq of the message that made the user a member. 0 in a standing room. */
  first: number;
  /** The seq of the message that ended the membership. */
  end: number | undefined;
}

export interface KitRoom {
  id: string;
  name: string;
  roomType: RoomType;
  ownerId: string;
  rows: Message[];
  memberships: Membership[];
  isDeleted: boolean;
}
