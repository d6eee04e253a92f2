-- The UUID that is stored for an id. The ids of the two rooms that always exist are `general` and `announcements`
-- everywhere outside the database (docs/decisions/0006). For ids that are neither in JSON nor in arrays,
-- shared/database.ts does this.
create or replace function stored_id(id text) returns uuid language sql immutable as $$
  select case id
    when 'general' then '00000000-0000-0000-0000-000000000001'
    when 'announcements' then '00000000-0000-0000-0000-000000000002'
    else id
  end::uuid
$$;
