-- A time in UTC with milliseconds, as RFC 3339 text. This is for times in JSON: the driver converts all other times.
create or replace function rfc3339(moment timestamptz) returns text language sql stable as $$
  select to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;
