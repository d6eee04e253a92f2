import { countOf, jsonRows, type Step } from './step.ts';

/**
 * Copies the allow-list. Rooms ignores upper and lower case in e-mails. If an e-mail is twice on the list of the
 * original, both entries must have the role `admin`, or it becomes `user`.
 */
export const allowList: Step = {
  name: 'allow-list',
  order: 'email',

  rows: (original) => original`
    select lower(email) as email, bool_and(coalesce(default_role = 'admin', false)) as is_admin
    from allowed_users group by lower(email)`,

  countKnown: (rooms, page) =>
    countOf(rooms`
      select count(*) from jsonb_to_recordset(${jsonRows(rooms, page)}) as given(email text)
      join allowed_users on allowed_users.email = lower(given.email)`),

  store: (rooms, page) =>
    countOf(rooms`
      with stored as (
        insert into allowed_users (email, role)
        select lower(email), case when "isAdmin" then 'admin' else 'user' end
        from jsonb_to_recordset(${jsonRows(rooms, page)}) as given(email text, "isAdmin" boolean)
        on conflict (email) do nothing
        returning email
      )
      select count(*) from stored`),
};
