import { countOf, jsonRows, type Step, timeColumns } from './step.ts';

/**
 * Copies users. Each user becomes a member of the two rooms that always exist, as with a registration. The bcrypt hash
 * of the password stays. The first login replaces it (gateway/accounts/hasher.ts).
 */
export const users: Step = {
  name: 'users',
  order: 'id',

  rows: (original) => original`
    select id, ${timeColumns(original)}, first_name, last_name, email, nullif(phone, '') as phone,
      password as password_hash, coalesce('admin' = any (roles), false) as is_admin
    from users`,

  countKnown: (rooms, page) =>
    countOf(rooms`
      select count(*) from jsonb_to_recordset(${jsonRows(rooms, page)}) as given(id uuid) join users using (id)`),

  store: (rooms, page) =>
    countOf(rooms`
      with stored as (
        insert into users
          (id, created_at, updated_at, first_name, last_name, email, phone, password_hash, roles)
        select id, "createdAt", "updatedAt", "firstName", "lastName", email, phone, "passwordHash",
          case when "isAdmin" then array['user', 'admin'] else array['user'] end
        from jsonb_to_recordset(${jsonRows(rooms, page)}) as given(
          id uuid, "createdAt" timestamptz, "updatedAt" timestamptz, "firstName" text, "lastName" text, email text,
          phone text, "passwordHash" text, "isAdmin" boolean
        )
        on conflict (id) do nothing
        returning id, created_at
      ), members as (
        insert into memberships (room_id, user_id, created_at)
        select rooms.id, stored.id, stored.created_at from stored cross join rooms where rooms.owner_id is null
      )
      select count(*) from stored`),
};
