-- Returns the e-mail of the user `seen`, or an empty text if the viewer may not see it.
-- A user sees their own e-mail. An admin sees every e-mail. A viewer who already knows the e-mail (`known_email`, in
-- upper or lower case) sees it.
create or replace function visible_email(seen users, viewer_id uuid, viewer_is_admin boolean, known_email text)
returns text language sql immutable as $$
  select case
    when seen.id = viewer_id or lower(seen.email) = lower(known_email) or viewer_is_admin then seen.email
    else ''
  end
$$;
