-- The last batch of each lane that was applied: a copy that comes late, or twice, is known by it.
create table lanes (
  sender text primary key,
  number bigint not null,
  at timestamptz not null default now()
) with (fillfactor = 50);
