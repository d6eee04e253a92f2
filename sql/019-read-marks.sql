-- How far each member has read. The mark is a part of the membership, so it ends with the membership.

-- This is the order in which batches lock these tables. Another order could cause a deadlock with a running worker.
lock table lanes, rooms, messages, memberships in access exclusive mode;

-- The member has read the messages up to this seq. Null if the member has marked nothing.
alter table memberships add column read_seq bigint;
-- A mark changes no column of an index. So Postgres writes the new row beside the old one, if the page has space.
alter table memberships set (fillfactor = 90);

-- Every member has read the messages up to this seq: they are older than this file, or they were imported.
alter table rooms add column read_by_all bigint not null default 0;
update rooms set read_by_all = seq where seq > 0;
