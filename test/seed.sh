#!/usr/bin/env bash
# The seed is the Go server that Rooms replaces. This script sends every request and frame in the documentation of the
# seed, in the same order and in the same form as the clients of the seed. The last part does what the web client of the
# seed does. The script shows how to move such a client to Rooms, and it is a test (seed.test.ts). It stops at the first
# unexpected answer and prints what it expected.
#
#   npm start, and in another terminal:
#   URL=http://localhost:8080 MAILS=.rooms/mail ADMIN='npm run admin -- grant' bash test/seed.sh
# SOCKET_URL is the URL for the socket; the default is URL. NODE is Node 22 or later.
set -euo pipefail
: "${URL:?}" "${MAILS:?}" "${ADMIN:?}" "${SOCKET_URL:=$URL}" "${NODE:=node_modules/.bin/node}"
TOKEN='' GOT='' REQUESTS=0 SENT=0 RECEIVED=0

# The fields of each answer. Only Rooms has the fields with a + and with a ?; the seed does not have them. A field with a
# ? may be missing.
declare -A SHAPES=(
  [user]='id createdAt updatedAt firstName lastName email roles isOnline rooms'
  [room]='id createdAt updatedAt name ownerId users roomType'
  [message]='id createdAt updatedAt roomId userId text command targetId +seq +ref ?name'
  [page]='+events +head' [token]='token' [notice]='message' [error]='error +code +retry ?field ?bound' [Error]='command error +code +retry'
)

fail() { echo "seed.sh, line ${BASH_LINENO[-2]}: $1; the last answer: $GOT" >&2 && exit 1; }

# <shape, with an s for a list> [field=value ...]: checks the last answer. For a list, the value is the values of this
# field in all items, joined by commas.
check() {
  DIFFERENCE=$("$NODE" -e '
    const [json, name, shape, ...pairs] = process.argv.slice(1);
    const expect = (name, expected, actual) =>
      actual === expected || process.exit(console.log(`${name}: expected "${expected}", got "${actual}"`) ?? 1);
    const answer = JSON.parse(json);
    const fields = shape.replaceAll("+", "").split(" ").filter((field) => !field.startsWith("?"));
    const mayHave = (field) => shape.split(" ").includes("?" + field);
    expect("a list", name.endsWith("s"), Array.isArray(answer));
    for (const item of [answer].flat()) {
      const present = Object.keys(item).filter((field) => !mayHave(field));
      expect("fields", fields.sort().join(" "), present.sort().join(" "));
    }
    for (const [field, value] of pairs.map((pair) => pair.split("=")))
      expect(field, value, [answer].flat().map((item) => item[field]).join());
  ' "$GOT" "$1" "${SHAPES[${1%s}]}" "${@:2}") || fail "$WHAT: $DIFFERENCE"
}

# <status> <shape> <method> <path> [body] [field=value ...]: sends a request with TOKEN and checks the answer
expect() {
  local status=$1 shape=$2 options=(-sS -m 10 -w '\n%{http_code}' -X "$3" "$URL$4")
  WHAT="$3 $4" REQUESTS=$((REQUESTS + 1))
  shift 4
  [[ -z $TOKEN ]] || options+=(-H "Authorization: Bearer $TOKEN")
  [[ ${1-} != {* ]] || { options+=(-H 'Content-Type: application/json' -d "$1") && shift; }
  GOT=$(curl "${options[@]}") || fail "$WHAT: no answer"
  STATUS=${GOT##*$'\n'} GOT=${GOT%$'\n'*}
  [[ $STATUS == "$status" ]] || fail "$WHAT: expected $status, got $STATUS"
  [[ $GOT != *'"phone"'* && $GOT != *'"password"'* ]] || fail "$WHAT: the answer has a phone or a password"
  check "$shape" "$@"
}

# <name>: prints the first value of a field in the last answer
field() { [[ $GOT =~ \"$1\":\"([^\"]*)\" ]] && echo "${BASH_REMATCH[1]}" || fail "there is no $1"; }

# <text> <command> <targetId> <roomId>: sends a frame. The clients of the seed fill all four fields.
send() {
  printf '{ "text": "%s", "command": "%s", "targetId": "%s", "roomId": "%s" }\n' "$@" >&"$TO_SOCKET"
  SENT=$((SENT + 1))
}

# <command> [field=value ...]: reads the next frame and checks it
receive() {
  WHAT="the frame of $1" RECEIVED=$((RECEIVED + 1))
  read -r -t 10 -u "$FROM_SOCKET" GOT || fail "$WHAT did not arrive"
  check "$([[ $1 == Error ]] && echo Error || echo message)" command="$1" "${@:2}"
}

# <e-mail>: waits for the mail to this e-mail address, prints its one-time password and removes the mail
take_otp() {
  local end=$((SECONDS + 20)) line
  until line=$(grep -hoE '^[0-9]{6} is' "$MAILS"/*" $1.eml" 2>/dev/null); do
    ((SECONDS < end)) || fail "no mail to $1 arrived"
  done
  rm "$MAILS"/*" $1.eml"
  echo "${line%% *}"
}

# <true or false>: waits until isOnline has this value for the user of TOKEN
online() {
  local end=$((SECONDS + 10))
  until curl -s -m 10 "$URL/api/users/current" -H "Authorization: Bearer $TOKEN" | grep -q "\"isOnline\":$1"; do
    ((SECONDS < end)) || fail "isOnline is not $1"
  done
}

# ---- The user who sends most requests. The socket of this user stays open and receives the effects of the requests.
ME=first.$$@example.com FRIEND=friend.$$@example.com NEW=new.$$@example.com OTHER=other.$$@example.com ANN=ann.$$@example.com
expect 201 user POST /api/users/register '{"firstName":"First","lastName":"Last","email":"'$ME'","password":"password"}'
MY_ID=$(field id)
expect 200 token POST /api/users/login '{"email":"'$ME'","password":"password"}'
TOKEN=$(field token)
coproc SOCKET { exec "$NODE" -e '
  const [url, token] = process.argv.slice(1);
  const socket = new WebSocket(`${url}?token=${token}`);
  socket.onopen = () => require("node:readline").createInterface(process.stdin).on("line", (line) => socket.send(line));
  socket.onmessage = ({ data }) => console.log(data);
  socket.onclose = ({ code, reason }) => process.exit(console.log("closed", code, reason));
  process.stdin.on("end", () => process.exit());
' "${SOCKET_URL/http/ws}/api/ws/" "$TOKEN"; }
exec {FROM_SOCKET}<&"${SOCKET[0]}" {TO_SOCKET}>&"${SOCKET[1]}"
trap "kill $SOCKET_PID 2>/dev/null || true" EXIT
# A client without a subprotocol gets no Welcome. When the user is online, the socket receives the messages.
online true

# ---- User, /api/users
expect 200 users GET /api/users/
expect 200 user GET /api/users/$MY_ID id=$MY_ID email=$ME
expect 200 user GET /api/users/current firstName=First lastName=Last email=$ME roles=user isOnline=true
TOKEN='' expect 401 error GET /api/users/current code=no_token

# Without a token, the one-time password is for a registration or a login. With a token, it proves a new e-mail.
TOKEN='' expect 200 notice POST /api/users/send-otp '{"email":"'$FRIEND'"}' message='otp sent'
OTP=$(take_otp $FRIEND)
expect 201 user POST /api/users/register/ '{"firstName":"First","lastName":"Last","email":"'$OTHER'","password":"password"}' email=$OTHER
REGISTER='{"firstName":"First","lastName":"Last","email":"'$FRIEND'","phone":"123456789","password":"password","otp":"'$OTP'"}'
expect 201 user POST /api/users/register-otp "$REGISTER" email=$FRIEND roles=user
FRIEND_ID=$(field id)
expect 401 error POST /api/users/register-otp "$REGISTER" code=wrong_otp
expect 200 token POST /api/users/login/ '{"email":"'$FRIEND'","password":"password"}'
TOKEN='' expect 200 notice POST /api/users/send-otp/ '{"email":"'$FRIEND'"}' message='otp sent'
OTP=$(take_otp $FRIEND)
expect 200 token POST /api/users/login-otp '{"email":"'$FRIEND'","password":"password","otp":"'$OTP'"}'
FRIENDS=$(field token)
# A caller sees the e-mail of another user only if the caller typed all of it. The seed showed every e-mail to everyone.
expect 200 users GET /api/users/email/$FRIEND id=$FRIEND_ID email=$FRIEND
expect 200 users GET /api/users/email/friend.$$@/ id=$FRIEND_ID email=
expect 200 user GET /api/users/$FRIEND_ID/ email= isOnline=false

TOKEN=$FRIENDS expect 200 user PUT /api/users/update '{"firstName":"Second","lastName":"Latter","email":"'$FRIEND'","phone":"123456789"}' firstName=Second lastName=Latter
TOKEN=$FRIENDS expect 403 error PUT /api/users/update '{"firstName":"First","lastName":"Last","email":"'$NEW'","phone":"123456789"}' code=email_unproven
TOKEN=$FRIENDS expect 200 notice POST /api/users/send-otp '{"email":"'$NEW'"}' message='otp sent'
OTP=$(take_otp $NEW)
TOKEN=$FRIENDS expect 200 user PUT /api/users/update-otp '{"firstName":"First","lastName":"Last","email":"'$NEW'","phone":"123456789","otp":"'$OTP'"}' firstName=First email=$NEW
expect 200 token POST /api/users/login '{"email":"'$NEW'","password":"password"}'

expect 403 error POST /api/users/$FRIEND_ID/roles/admin code=admin_only
eval "$ADMIN $ME" >&2
expect 200 user POST /api/users/$FRIEND_ID/roles/admin id=$FRIEND_ID roles=user,admin
expect 200 user DELETE /api/users/$FRIEND_ID/roles/admin/ id=$FRIEND_ID roles=user

# ---- Room, /api/rooms. Every user is a member of the two rooms that always exist: general and announcements.
expect 200 rooms GET /api/rooms/ id=announcements,general name=Announcements,General roomType=ReadOnly,Public
expect 200 room GET /api/rooms/announcements id=announcements name=Announcements ownerId=announcements
expect 201 room POST /api/rooms/ '{"name":"room"}' name=room ownerId=$MY_ID roomType=Private
ROOM=$(field id)
receive CreateRoom text='Room created' name=room roomId=$ROOM userId=$MY_ID
expect 200 room PUT /api/rooms/$ROOM '{"name":"updated room"}' id=$ROOM name='updated room'
receive UpdateRoom text='Room updated' name='updated room' roomId=$ROOM targetId=$ROOM
TOKEN=$FRIENDS expect 404 error GET /api/rooms/$ROOM/ code=no_such_room
expect 200 notice DELETE /api/rooms/$ROOM message='room deleted'
receive DeleteRoom text='Room deleted' roomId=$ROOM targetId=$ROOM

expect 201 room POST /api/rooms '{"name":"room"}'
ROOM=$(field id)
receive CreateRoom roomId=$ROOM
expect 201 message POST /api/rooms/$ROOM/users/$FRIEND_ID command=AddUser text='First joined the room'
receive AddUser id="$(field id)" roomId=$ROOM targetId=$FRIEND_ID text='First joined the room'
expect 200 message DELETE /api/rooms/$ROOM/users/$FRIEND_ID command=RemoveUser text='First left the room'
receive RemoveUser id="$(field id)" roomId=$ROOM targetId=$FRIEND_ID text='First left the room'

# ---- Message, /api/messages. A history shows the newest message first.
expect 200 messages GET "/api/messages/$ROOM?page=1&size=10" text='First left the room,First joined the room,Room created'
expect 201 message POST /api/messages/$ROOM '{"text":"Hello World!"}' command=CreateMessage text='Hello World!' userId=$MY_ID
MESSAGE=$(field id)
receive CreateMessage id=$MESSAGE roomId=$ROOM text='Hello World!'
expect 200 message PUT /api/messages/$MESSAGE '{"text":"Goodbye World!"}' id=$MESSAGE command=UpdateMessage text='Goodbye World!'
receive UpdateMessage targetId=$MESSAGE roomId=$ROOM text='Goodbye World!'
expect 200 messages GET "/api/messages/$ROOM/?page=1&size=2" text='Goodbye World!,First left the room'
expect 200 messages GET "/api/messages/$ROOM?page=2&size=2" text='First joined the room,Room created'
expect 200 message DELETE /api/messages/$MESSAGE/ id=$MESSAGE command=DeleteMessage text=
receive DeleteMessage targetId=$MESSAGE roomId=$ROOM text=
expect 200 messages GET /api/messages/$ROOM command=DeleteMessage,RemoveUser,AddUser,CreateRoom text=',First left the room,First joined the room,Room created'
expect 200 page GET "/api/rooms/$ROOM/events?after=3&size=2" head=6

TOKEN=$FRIENDS expect 403 error POST /api/messages/announcements/ '{"text":"Hello World!"}' code=read_only_room
expect 201 message POST /api/messages/announcements/ '{"text":"Hello World!"}'
receive CreateMessage roomId=announcements text='Hello World!'

# ---- WebSocket, /api/ws. The same eight commands as frames.
expect 426 error GET /api/ws/ code=upgrade_needed
send 'Hello World!' CreateMessage $ROOM $ROOM
receive CreateMessage roomId=$ROOM userId=$MY_ID text='Hello World!'
MESSAGE=$(field id)
send 'Goodbye World!' UpdateMessage $MESSAGE $ROOM
receive UpdateMessage roomId=$ROOM targetId=$MESSAGE text='Goodbye World!'
send anything DeleteMessage $MESSAGE $ROOM
receive DeleteMessage roomId=$ROOM targetId=$MESSAGE text=
send anything AddUser $FRIEND_ID $ROOM
receive AddUser roomId=$ROOM targetId=$FRIEND_ID text='First joined the room'
send anything AddUser $FRIEND_ID $ROOM
receive Error code=already_in_room
send anything RemoveUser $FRIEND_ID $ROOM
receive RemoveUser roomId=$ROOM targetId=$FRIEND_ID text='First left the room'
send 'Room Name' CreateRoom anything anything
receive CreateRoom userId=$MY_ID text='Room created' name='Room Name'
SECOND=$(field roomId)
send 'New Room Name' UpdateRoom $SECOND $SECOND
receive UpdateRoom roomId=$SECOND targetId=$SECOND text='Room updated' name='New Room Name'
expect 200 room GET /api/rooms/$SECOND name='New Room Name' ownerId=$MY_ID
send anything DeleteRoom $SECOND $SECOND
receive DeleteRoom roomId=$SECOND targetId=$SECOND
expect 404 error GET /api/rooms/$SECOND code=no_such_room

# ---- The web client of the seed. Its forms send a field of their own: "error".
PERSON='"firstName":"Ann","lastName":"Last","email":"'$ANN'","phone":"123456789","password":"password"'
TOKEN='' expect 200 notice POST /api/users/send-otp '{"email":"'$ANN'","error":null}' message='otp sent'
TOKEN='' expect 201 user POST /api/users/register-otp "{$PERSON,\"otp\":\"$(take_otp $ANN)\",\"error\":null}" roles=user isOnline=false
ANN_ID=$(field id)
TOKEN='' expect 200 notice POST /api/users/send-otp '{"email":"'$ANN'","error":null}' message='otp sent'
TOKEN='' expect 200 token POST /api/users/login-otp '{"email":"'$ANN'","password":"password","otp":"'$(take_otp $ANN)'","error":null}'
ANNS=$(field token)
TOKEN='' expect 400 error POST /api/users/register '{"firstName":"Al","lastName":"Last","email":"'$ANN'","password":"password"}' code=too_short bound=3
# The page is on another origin, so its browser asks first.
PREFLIGHT=$(curl -s -m 10 -o /dev/null -D - -X OPTIONS "$URL/api/users/current" \
  -H 'Origin: https://client.example.com' -H 'Access-Control-Request-Method: GET' -H 'Access-Control-Request-Headers: authorization,content-type')
[[ ${PREFLIGHT,,} == *' 204 '*access-control-allow-headers:*authorization*content-type* ]] || fail "a preflight was answered: $PREFLIGHT"
# The first steps after a login.
TOKEN=$ANNS expect 200 room GET /api/rooms/announcements name=Announcements ownerId=announcements
TOKEN=$ANNS expect 200 room GET /api/rooms/general name=General ownerId=general
TOKEN=$ANNS expect 200 user GET /api/users/current rooms=
expect 200 users GET /api/users/all
TOKEN=$ANNS expect 200 messages GET /api/messages/general
send 'Hello, everyone' CreateMessage general general
receive CreateMessage roomId=general targetId=general text='Hello, everyone'
expect 201 message POST /api/messages/general '{"text":"over HTTP","userId":"'$ANN_ID'","seq":1,"id":"general"}' userId=$MY_ID roomId=general
receive CreateMessage id="$(field id)" roomId=general text='over HTTP'
TOKEN=$ANNS expect 200 messages GET "/api/messages/general?page=abc&size=2" text='over HTTP,Hello, everyone'
# The client opens rooms[0] of the current user, shows the members of the room, and shows changed messages as changed.
send 'Tea room' CreateRoom anything anything
receive CreateRoom text='Room created' name='Tea room'
TEA=$(field roomId)
send anything AddUser $ANN_ID $TEA
receive AddUser roomId=$TEA targetId=$ANN_ID text='Ann joined the room'
TOKEN=$ANNS expect 200 user GET /api/users/current
[[ $GOT == *'"rooms":[{"id":"'$TEA'","createdAt":'*'"name":"Tea room","ownerId":"'$MY_ID'","roomType":"Private","users":[{"id":"'* ]] || fail 'the current user does not have the room'
expect 200 room GET /api/rooms/$TEA ownerId=$MY_ID
[[ $GOT == *'"firstName":"Ann","lastName":"Last","email":"'$ANN'","roles":["user"],"isOnline":false}'* ]] || fail 'the room does not have the member'
send 'first text' CreateMessage $TEA $TEA
receive CreateMessage text='first text'
EDITED=$(field id)
send 'soon deleted' CreateMessage $TEA $TEA
receive CreateMessage text='soon deleted'
DELETED=$(field id)
send 'second text' UpdateMessage $EDITED $TEA
receive UpdateMessage targetId=$EDITED text='second text'
send anything DeleteMessage $DELETED $TEA
receive DeleteMessage targetId=$DELETED text=
TOKEN=$ANNS expect 200 messages GET "/api/messages/$TEA?size=2" id=$DELETED,$EDITED command=DeleteMessage,UpdateMessage text=',second text'
send anything RemoveUser $ANN_ID $TEA
receive RemoveUser targetId=$ANN_ID text='Ann left the room'
TOKEN=$ANNS expect 404 error GET /api/rooms/$TEA code=no_such_room
send anything DeleteRoom $TEA $TEA
receive DeleteRoom roomId=$TEA text='Room deleted'
# An id that does not exist gets 404, whatever its form.
expect 404 error GET /api/rooms/nonsense code=no_such_room
expect 404 error GET /api/messages/nonsense code=no_such_room
expect 404 error GET /api/users/nonsense code=no_such_user
expect 404 error DELETE /api/messages/nonsense code=no_such_message

kill "$SOCKET_PID"
! read -r -t 10 -u "$FROM_SOCKET" GOT || fail 'one more frame arrived'
online false
echo "every request and frame of the seed works: $REQUESTS requests over HTTP; $SENT frames sent and $RECEIVED received"
