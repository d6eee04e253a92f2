interface FirstStepsOptions {
  /** The address of Rooms, without a slash at the end. */
  url: string;
  /** The folder of data and logs. */
  home: string;
  /** The folder of the checkout. */
  root: string;
  /** The folder of the mails, if they are kept as files. */
  mails?: string | undefined;
}

/** The text that `npm start` prints when Rooms is ready. */
export function firstSteps({ url, home, root, mails }: FirstStepsOptions): string {
  return `
Rooms runs at ${url}. Press Ctrl-C to stop it.
Data and logs are in ${home}.
${mails ? `Rooms sends no mail. It writes each mail to a file in ${mails} and prints the name here.\n` : ''}
To make a user an admin: npm run admin -- grant <email>

A first conversation. Paste the lines below into another terminal:

${conversation(url, `${root}/node_modules/.bin/node`)}`;
}

/** Shell commands in which Ann and Bob meet in a room. Their comments hold no quotation mark: some shells parse it. */
function conversation(url: string, node: string): string {
  return `URL=${url}
JSON='Content-Type: application/json'

# 1. Ann and Bob register and log in
curl -s $URL/api/users/register -H "$JSON" \\
  -d '{"firstName":"Ann","lastName":"Example","email":"ann@example.com","password":"a password"}'; echo
curl -s $URL/api/users/register -H "$JSON" \\
  -d '{"firstName":"Bob","lastName":"Example","email":"bob@example.com","password":"a password"}'; echo
ANN=$(curl -s $URL/api/users/login -H "$JSON" -d '{"email":"ann@example.com","password":"a password"}' | cut -d'"' -f4)
BOB=$(curl -s $URL/api/users/login -H "$JSON" -d '{"email":"bob@example.com","password":"a password"}' | cut -d'"' -f4)

# 2. Ann makes a private room and adds Bob
ROOM=$(curl -s $URL/api/rooms -H "Authorization: Bearer $ANN" -H "$JSON" -d '{"name":"first room"}' | cut -d'"' -f4)
BOB_ID=$(curl -s $URL/api/users/current -H "Authorization: Bearer $BOB" | cut -d'"' -f4)
curl -s -X POST $URL/api/rooms/$ROOM/users/$BOB_ID -H "Authorization: Bearer $ANN"; echo

# 3. Ann writes over HTTP, and Bob reads the history
curl -s $URL/api/messages/$ROOM -H "Authorization: Bearer $ANN" -H "$JSON" -d '{"text":"Hello Bob"}'; echo
curl -s "$URL/api/messages/$ROOM?page=1&size=10" -H "Authorization: Bearer $BOB"; echo

# 4. Ann and Bob each open a socket. Ann writes, Bob receives it and answers
${quoteForShell(node)} -e '${socketScript(url)}' "$ROOM" "$ANN" "$BOB"
`;
}

/** Stands in single quotes in the shell, so it holds none. It holds no `!` either: bash would read it as history. */
function socketScript(url: string): string {
  return `const [room, annToken, bobToken] = process.argv.slice(1);
const open = (name, token, react) => {
  const headers = { authorization: "Bearer " + token };
  const socket = new WebSocket("${url.replace('http', 'ws')}/api/ws", { protocols: ["rooms.v1"], headers });
  const write = (text) => socket.send(JSON.stringify({ command: "CreateMessage", roomId: room, text }));
  socket.onmessage = ({ data }) => { console.log(name, "receives", data); react(JSON.parse(data), write); };
  socket.onclose = ({ code, reason }) => console.log(name, "is disconnected", code, reason);
  return socket;
};
const bob = open("Bob", bobToken, (frame, write) => {
  if (frame.command === "Welcome") openAnn();
  if (frame.text === "Are you there, Bob?") write("Yes, Ann");
});
const openAnn = () => {
  const ann = open("Ann", annToken, (frame, write) => {
    if (frame.command === "Welcome") write("Are you there, Bob?");
    if (frame.text === "Yes, Ann") { ann.close(); bob.close(); }
  });
};`;
}

function quoteForShell(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}
