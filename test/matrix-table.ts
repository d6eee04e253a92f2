/**
 * The callers with a valid token. In a private, public or read-only room, the member was added and the ex-member was
 * added and removed. The stranger and the admin were never members.
 */
export const users = ['stranger', 'exMember', 'member', 'owner', 'admin'] as const;
export type User = (typeof users)[number];

/** The callers without a valid token, each with the error code for every request that requires a token. */
const refusedCallers = { nobody: 'no_token', expired: 'token_expired', revoked: 'token_revoked' };

/** Headers of a column for several callers. */
const groups: Record<string, readonly string[]> = {
  'each user': users,
  everyone: [...Object.keys(refusedCallers), ...users],
};

/** The beginning of a title. It is empty for a line that needs no room. */
const roomsInTitles: Record<string, string> = {
  Private: 'in a private room, ',
  Public: 'in a public room, ',
  ReadOnly: 'in a read-only room, ',
  general: 'in the room general, ',
  announcements: 'in the room announcements, ',
};

/**
 * The expected answers in each room: one line per request or socket command, and one column per caller. A cell is a
 * status, `Ack` or the error code of a refusal. In a line with `has`, the cell says whether the answer contains the
 * value after `has`. Callers without a column have no valid token, and get their error code of `refusedCallers`.
 *
 * Names in a line: `:owner` and the other callers are ids of users. `:newcomer` is one more user, who is not in a new
 * room. `:caller` is the user who sends the request, or the owner if the caller has no valid token. `:owner.message`
 * is a message of the owner. A command also has the id of the room and the text `hello`.
 */
const matrix: Record<string, string> = {
  Private: `
                                                    stranger         exMember         member       owner             admin
    GET /api/rooms/:room                            no_such_room     no_such_room     200          200               no_such_room
    GET /api/rooms has :room                        no               no               yes          yes               no
    GET /api/users/:owner has :room                 no               no               yes          yes               no
    GET /api/messages/:room                         no_such_room     no_such_room     200          200               no_such_room
    GET /api/rooms/:room/events                     no_such_room     no_such_room     200          200               no_such_room
    PUT /api/rooms/:room name=hello                 no_such_room     no_such_room     owner_only   200               no_such_room
    UpdateRoom                                      no_such_room     no_such_room     owner_only   Ack               no_such_room
    DELETE /api/rooms/:room                         no_such_room     no_such_room     owner_only   200               no_such_room
    DeleteRoom                                      no_such_room     no_such_room     owner_only   Ack               no_such_room
    PUT /api/rooms/:room/read seq=1                 no_such_room     no_such_room     200          200               no_such_room
    POST /api/rooms/:room/users/:newcomer           no_such_room     no_such_room     owner_only   201               no_such_room
    AddUser :newcomer                               no_such_room     no_such_room     owner_only   Ack               no_such_room
    POST /api/rooms/:room/users/:caller             no_such_room     no_such_room     owner_only   already_in_room   no_such_room
    AddUser :caller                                 no_such_room     no_such_room     owner_only   already_in_room   no_such_room
    DELETE /api/rooms/:room/users/:member           no_such_room     no_such_room     200          200               no_such_room
    RemoveUser :member                              no_such_room     no_such_room     Ack          Ack               no_such_room
    DELETE /api/rooms/:room/users/:caller           no_such_room     no_such_room     200          owner_stays       no_such_room
    RemoveUser :caller                              no_such_room     no_such_room     Ack          owner_stays       no_such_room
    DELETE /api/rooms/:room/users/:owner            no_such_room     no_such_room     owner_only   owner_stays       no_such_room
    RemoveUser :owner                               no_such_room     no_such_room     owner_only   owner_stays       no_such_room
    DELETE /api/rooms/:room/users/:newcomer         no_such_room     no_such_room     owner_only   user_not_in_room  no_such_room
    RemoveUser :newcomer                            no_such_room     no_such_room     owner_only   user_not_in_room  no_such_room
    POST /api/messages/:room text=hello             no_such_room     no_such_room     201          201               no_such_room
    CreateMessage                                   no_such_room     no_such_room     Ack          Ack               no_such_room
    PUT /api/messages/:owner.message text=hello     no_such_message  no_such_message  author_only  200               no_such_message
    UpdateMessage :owner.message                    no_such_room     no_such_room     author_only  Ack               no_such_room
    DELETE /api/messages/:owner.message             no_such_message  no_such_message  author_only  200               no_such_message
    DeleteMessage :owner.message                    no_such_room     no_such_room     author_only  Ack               no_such_room
    PUT /api/messages/:member.message text=hello    no_such_message  no_such_message  200          author_only       no_such_message
    UpdateMessage :member.message                   no_such_room     no_such_room     Ack          author_only       no_such_room
    DELETE /api/messages/:member.message            no_such_message  no_such_message  200          author_only       no_such_message
    DeleteMessage :member.message                   no_such_room     no_such_room     Ack          author_only       no_such_room
    PUT /api/messages/:exMember.message text=hello  no_such_message  no_such_message  author_only  author_only       no_such_message
    UpdateMessage :exMember.message                 no_such_room     no_such_room     author_only  author_only       no_such_room
    DELETE /api/messages/:exMember.message          no_such_message  no_such_message  author_only  author_only       no_such_message
    DeleteMessage :exMember.message                 no_such_room     no_such_room     author_only  author_only       no_such_room`,

  Public: `
                                                    stranger          exMember          member           owner            admin
    GET /api/rooms/:room                            200               200               200              200              200
    GET /api/rooms has :room                        yes               yes               yes              yes              yes
    GET /api/users/:owner has :room                 yes               yes               yes              yes              yes
    GET /api/messages/:room                         200               200               200              200              200
    GET /api/rooms/:room/events                     200               200               200              200              200
    PUT /api/rooms/:room name=hello                 owner_only        owner_only        owner_only       200              owner_only
    UpdateRoom                                      owner_only        owner_only        owner_only       Ack              owner_only
    DELETE /api/rooms/:room                         owner_only        owner_only        owner_only       200              owner_only
    DeleteRoom                                      owner_only        owner_only        owner_only       Ack              owner_only
    PUT /api/rooms/:room/read seq=1                 not_a_member      not_a_member      200              200              not_a_member
    POST /api/rooms/:room/users/:newcomer           owner_only        owner_only        owner_only       201              owner_only
    AddUser :newcomer                               owner_only        owner_only        owner_only       Ack              owner_only
    POST /api/rooms/:room/users/:caller             201               201               already_in_room  already_in_room  201
    AddUser :caller                                 Ack               Ack               already_in_room  already_in_room  Ack
    DELETE /api/rooms/:room/users/:member           owner_only        owner_only        200              200              owner_only
    RemoveUser :member                              owner_only        owner_only        Ack              Ack              owner_only
    DELETE /api/rooms/:room/users/:caller           user_not_in_room  user_not_in_room  200              owner_stays      user_not_in_room
    RemoveUser :caller                              user_not_in_room  user_not_in_room  Ack              owner_stays      user_not_in_room
    DELETE /api/rooms/:room/users/:owner            owner_only        owner_only        owner_only       owner_stays      owner_only
    RemoveUser :owner                               owner_only        owner_only        owner_only       owner_stays      owner_only
    POST /api/messages/:room text=hello             not_a_member      not_a_member      201              201              not_a_member
    CreateMessage                                   not_a_member      not_a_member      Ack              Ack              not_a_member
    PUT /api/messages/:owner.message text=hello     author_only       author_only       author_only      200              author_only
    UpdateMessage :owner.message                    author_only       author_only       author_only      Ack              author_only
    DELETE /api/messages/:owner.message             author_only       author_only       author_only      200              author_only
    DeleteMessage :owner.message                    author_only       author_only       author_only      Ack              author_only
    PUT /api/messages/:member.message text=hello    author_only       author_only       200              author_only      author_only
    UpdateMessage :member.message                   author_only       author_only       Ack              author_only      author_only
    DELETE /api/messages/:member.message            author_only       author_only       200              author_only      author_only
    DeleteMessage :member.message                   author_only       author_only       Ack              author_only      author_only
    PUT /api/messages/:exMember.message text=hello  author_only       not_a_member      author_only      author_only      author_only
    UpdateMessage :exMember.message                 author_only       not_a_member      author_only      author_only      author_only
    DELETE /api/messages/:exMember.message          author_only       not_a_member      author_only      author_only      author_only
    DeleteMessage :exMember.message                 author_only       not_a_member      author_only      author_only      author_only`,

  ReadOnly: `
                                         stranger      exMember      member          owner  admin
    POST /api/messages/:room text=hello  not_a_member  not_a_member  read_only_room  201    not_a_member
    CreateMessage                        not_a_member  not_a_member  read_only_room  Ack    not_a_member`,

  'general and announcements': `
                                           each user
    GET /api/rooms/:room                   200
    GET /api/messages/:room                200
    GET /api/rooms/:room/events            200
    PUT /api/rooms/:room name=hello        everyones_room
    UpdateRoom                             everyones_room
    DELETE /api/rooms/:room                everyones_room
    DeleteRoom                             everyones_room
    PUT /api/rooms/:room/read seq=0        200
    POST /api/rooms/:room/users/:newcomer  everyones_room
    AddUser :newcomer                      everyones_room
    DELETE /api/rooms/:room/users/:member  everyones_room
    RemoveUser :member                     everyones_room
    DELETE /api/rooms/:room/users/:caller  everyones_room
    RemoveUser :caller                     everyones_room`,

  general: `
                                                  stranger     exMember     member  owner        admin
    POST /api/messages/:room text=hello           201          201          201     201          201
    CreateMessage                                 Ack          Ack          Ack     Ack          Ack
    PUT /api/messages/:member.message text=hello  author_only  author_only  200     author_only  author_only
    UpdateMessage :member.message                 author_only  author_only  Ack     author_only  author_only
    DELETE /api/messages/:member.message          author_only  author_only  200     author_only  author_only
    DeleteMessage :member.message                 author_only  author_only  Ack     author_only  author_only`,

  announcements: `
                                                 stranger        exMember        member          owner           admin
    POST /api/messages/:room text=hello          read_only_room  read_only_room  read_only_room  read_only_room  201
    CreateMessage                                read_only_room  read_only_room  read_only_room  read_only_room  Ack
    PUT /api/messages/:admin.message text=hello  author_only     author_only     author_only     author_only     200
    UpdateMessage :admin.message                 author_only     author_only     author_only     author_only     Ack
    DELETE /api/messages/:admin.message          author_only     author_only     author_only     author_only     200
    DeleteMessage :admin.message                 author_only     author_only     author_only     author_only     Ack`,

  'no room': `
                                                      stranger        exMember        member          owner       admin
    GET /api/users has :owner.email                   no              no              no              yes         yes
    GET /api/users/all has :owner.email               no              no              no              yes         yes
    GET /api/users/:owner has :owner.email            no              no              no              yes         yes
    GET /api/users/email/owner. has :owner.email      no              no              no              yes         yes
    PUT /api/users/update :person&email=:owner.email  email_unproven  email_unproven  email_unproven  200         email_unproven
    POST /api/users/:newcomer/roles/admin             admin_only      admin_only      admin_only      admin_only  200
    DELETE /api/users/:newcomer/roles/admin           admin_only      admin_only      admin_only      admin_only  200
    POST /api/users/:caller/roles/admin               admin_only      admin_only      admin_only      admin_only  200
    DELETE /api/users/:caller/roles/admin             admin_only      admin_only      admin_only      admin_only  last_admin
    DELETE /api/users/:caller/roles/user              admin_only      admin_only      admin_only      admin_only  everyones_role`,

  'no room, for everyone': `
                                                                                        everyone
    POST /api/users/send-otp email=:caller.email                                        200
    POST /api/users/register :person&email=:newEmail&password=:password                 201
    POST /api/users/register-otp :person&email=:newEmail&password=:password&otp=000000  wrong_otp
    POST /api/users/login email=:caller.email&password=:password                        200
    POST /api/users/login-otp email=:caller.email&password=:password&otp=000000         wrong_otp
    GET /api/settings                                                                   200
    GET /api/mailed-codes/:owner.email                                                  no_such_route
    GET /api/ws                                                                         upgrade_needed`,

  'no room, for users': `
                                                                  each user
    GET /api/users                                                200
    GET /api/users/all                                            200
    GET /api/users/:owner                                         200
    GET /api/users/current has :caller.email                      yes
    GET /api/users/email/:owner.email has :owner.email            yes
    PUT /api/users/update :person&email=:caller.email             200
    PUT /api/users/update :person&email=:newEmail                 email_unproven
    PUT /api/users/update-otp :person&email=:newEmail&otp=000000  wrong_otp
    POST /api/users/send-otp email=:newEmail&purpose=update       200
    GET /api/rooms                                                200
    POST /api/rooms name=hello                                    201
    CreateRoom                                                    Ack
    POST /api/ws/ticket                                           201
    POST /api/users/logout                                        200
    POST /api/users/logout-all                                    200`,
};

interface Row {
  /** The title of the test, such as `in a private room, the command UpdateRoom succeeds for the owner only`. */
  title: string;
  room: string;
  request: string;
  /** The expected answer for each caller. */
  answers: Answers;
}

type Answers = Record<string, string | undefined>;

export const rows: Row[] = Object.entries(matrix).flatMap(([rooms, table]) =>
  rooms.split(' and ').flatMap((room) => readTable(room, table)),
);

function readTable(room: string, table: string): Row[] {
  const lines = table.trim().split('\n');
  const [headers = [], ...rest] = lines.map((line) => line.trim().split(/ {2,}/));
  return rest.map(([request = '', ...cells]) => {
    if (cells.length !== headers.length) throw new Error(`${room}: ${request}: separate the cells by two spaces`);
    const cellsByCaller = headers.flatMap((header, index) =>
      (groups[header] ?? [header]).map((caller) => [caller, cells[index]]),
    );
    const answers = { ...refusedCallers, ...Object.fromEntries(cellsByCaller) };
    return { title: titleOf(room, request, answers), room, request, answers };
  });
}

function titleOf(room: string, request: string, answers: Answers): string {
  const [sent = '', value] = request.split(' has ');
  const isHttp = /^[A-Z]+ /.test(sent);
  const action = isHttp ? sent.replace(/^([A-Z]+ \S+) /, '$1 with ') : `the command ${sent}`;
  const beginning = `${roomsInTitles[room] ?? ''}${action}`;
  const successful = Object.keys(answers).filter((caller) => /^(\d+|Ack|yes)$/.test(answers[caller] ?? ''));
  if (successful.length === 0) return `${beginning} is refused for every caller`;
  return `${beginning} ${value ? `shows ${value} to` : 'succeeds for'} ${describeCallers(successful, answers)}`;
}

function describeCallers(successful: string[], answers: Answers): string {
  if (successful.length === Object.keys(answers).length) return 'every caller';
  if (users.every((user) => successful.includes(user))) return 'every caller with a valid token';
  const names = successful.map((caller) => `the ${caller === 'exMember' ? 'ex-member' : caller}`);
  return `${new Intl.ListFormat('en').format(names)} only`;
}
