import { standingRoomIds } from '../../shared/contract/ids.ts';
import { countOf, jsonRows, type Step, timeColumns } from './step.ts';

/**
 * Copies rooms. Rooms has `general` and `announcements` already: they only get the times of the original. The messages
 * and members of a room follow in later steps.
 */
export const rooms: Step = {
  name: 'rooms',
  order: 'id',

  rows: (original) => original`
    select id, ${timeColumns(original)}, name, owner_id, room_type, id in ${original(standingRoomIds)} as is_standing
    from rooms`,

  countKnown: (database, page) =>
    countOf(database`
      select count(*)
      from jsonb_to_recordset(${jsonRows(database, page)}) as given(id text, "createdAt" timestamptz(3), "isStanding" boolean)
      join rooms on rooms.id = stored_id(given.id)
      where not "isStanding" or rooms.created_at = "createdAt"`),

  store: (database, page) =>
    countOf(database`
      with given as (
        select stored_id(id) as id, "createdAt", "updatedAt", name, "ownerId", "roomType", "isStanding"
        from jsonb_to_recordset(${jsonRows(database, page)}) as given(
          id text, "createdAt" timestamptz(3), "updatedAt" timestamptz(3), name text, "ownerId" text, "roomType" text,
          "isStanding" boolean
        )
      ), stored as (
        insert into rooms (id, created_at, updated_at, name, owner_id, room_type)
        select id, "createdAt", "updatedAt", name, "ownerId"::uuid, "roomType" from given where not "isStanding"
        on conflict (id) do nothing
        returning id
      ), dated as (
        update rooms set created_at = "createdAt", updated_at = "updatedAt"
        from given where rooms.id = given.id and "isStanding" and rooms.created_at <> "createdAt"
        returning rooms.id
      )
      select (select count(*) from stored) + (select count(*) from dated) as count`),
};
