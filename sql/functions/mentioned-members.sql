-- The members of the room that the text mentions, or null. A mention is an `@` before the first name of a member, or
-- before the first and the last name with a space between. Upper and lower case are equal. The longest name counts, and
-- then every member with this name. Before the `@` and after the name is no letter or digit: an e-mail mentions nobody.
-- Looks at the first 10 `@`, at 8 words after each, at the 100 members who joined first, and in a larger room also at 100
-- users with each name. Returns at most 10 members. So a text costs little in a room of any size.
-- The lateral joins make Postgres look up each row by an index. A plain join could read a whole index. A bitmap would hold
-- all members before the first hundred are taken.
-- This function is in plpgsql, because Postgres before 18 plans an SQL function again at each call.
create or replace function mentioned_members(room_id uuid, text text) returns uuid[] language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_generic_plan
as $$
declare
  names text[];
  places int[];
  is_large boolean;
begin
  -- Each name that may be meant: the words after an `@`, up to the end of each of these words.
  select array_agg(phrase.name), array_agg(after_at.place) into names, places
  from (
    select part, n::int as place, lag(part) over (order by n) as part_before
    from string_to_table(text, '@') with ordinality as parts (part, n) limit 11
  ) after_at,
  lateral (
    select string_agg(word[1], '') over (order by w) as name
    from regexp_matches(lower(left(after_at.part, 101)), '[^[:alnum:]]*[[:alnum:]]+', 'g') with ordinality as words (word, w)
    limit 8
  ) phrase
  where after_at.place > 1 and after_at.part ~ '^[[:alnum:]]' and after_at.part_before !~ '[[:alnum:]]$';
  if names is null then return null; end if;

  is_large := exists (select from memberships m where m.room_id = mentioned_members.room_id offset 100);
  return (
    with person as (
      select of_person.name, u.id
      from (
        select m.user_id from memberships m where m.room_id = mentioned_members.room_id
        order by m.created_at, m.user_id limit 100
      ) early
      join lateral (select * from users where id = early.user_id limit 1) u on true
      cross join lateral (values (lower(u.first_name)), (lower(u.first_name || ' ' || u.last_name))) as of_person (name)
      where of_person.name = any (names)
      union
      select given.name, u.id
      from (select distinct name from unnest(names) name) given
      cross join lateral (
        (select id from users where lower(first_name) = given.name limit 100)
        union all (select id from users where lower(first_name || ' ' || last_name) = given.name limit 100)
      ) u
      cross join lateral (
        select from memberships m where m.room_id = mentioned_members.room_id and m.user_id = u.id limit 1
      ) membership
      where is_large
    ), ranked as (
      select person.id, meant.place, rank() over (partition by meant.place order by length(meant.name) desc) as rank
      from unnest(names, places) as meant (name, place) join person using (name)
    )
    select array_agg(id order by place, id) from (
      select id, min(place) as place from ranked where rank = 1 group by id order by 2, 1 limit 10
    ) first_ones
  );
end
$$;
