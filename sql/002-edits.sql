-- A deleted room keeps its log, for those who still have to hear of its end; nobody sees it any more.
alter table rooms add column deleted_at timestamptz(3);

-- The edits of a message, to be erased with it.
create index messages_edits on messages (target_id) where command = 'UpdateMessage';
