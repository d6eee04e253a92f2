-- True if no logout ended a token of the user `bearer`. False if there is no such user: then all columns are null.
-- Postgres inlines this function, so a query that calls it can use indexes.
create or replace function is_token_valid(bearer users, token_id uuid, version bigint)
returns boolean language sql stable as $$
  select coalesce(bearer.token_version = version, false)
    and not exists (select from revoked_tokens r where r.id = is_token_valid.token_id)
$$;
