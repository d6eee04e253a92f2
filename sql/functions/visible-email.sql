-- Which e-mail of a user a viewer sees: the e-mail itself if the viewer is this user, is an admin, or knew the e-mail
-- already (`known_email`, in upper or lower case). Everyone else sees an empty text.
create or replace function visible_email(seen users, viewer_id uuid, viewer_is_admin boolean, known_email text)
returns text language sql immutable as $$
  select case
    when seen.id = viewer_id or lower(seen.email) = lower(known_email) or viewer_is_admin then seen.email
    else ''
  end
$$;
