interface FirstStepsOptions {
  /** The URL of Rooms, without a slash at the end. */
  url: string;
  /** The folder of data and logs. */
  home: string;
  /** The folder of the checkout. */
  root: string;
  /** The folder of the mails. Undefined if Rooms sends mails to a mail server. */
  mails?: string | undefined;
}

/** The text that `npm start` prints when Rooms is ready. */
export function firstSteps({ url, home, root, mails }: FirstStepsOptions): string {
  return `
Open ${url} in a browser: Rooms is ready. Press Ctrl-C to stop it.
Data and logs are in ${home}.
${mails ? `Rooms sends no mail. It writes each mail to a file in ${mails} and prints the name of the file here.\n` : ''}
To make a user an admin: npm run admin -- grant <email>

A first conversation. Paste the lines below into another terminal:

${conversation(url, `${root}/node_modules/.bin/node`)}`;
}

/**
 * Shell commands in which Ann and Bob meet in a room. The README shows the same commands, and a test compares the two.
 * The `#` comments contain no quotation mark, because some interactive shells do not skip comments.
 * @param node the path of a Node that has `WebSocket`
 */
export function conversation(url: string, node: string): string {
  return `URL=${url} JSON='Content-Type: application/json' AUTH='Authorization: Bearer'
register() { curl -s $URL/api/users/register -H "$JSON" \\
  -d '{"firstName":"'$1'","lastName":"Example","email":"'$2'","password":"a password"}'; echo; }
log_in() { curl -s $URL/api/users/login -H "$JSON" -d '{"email":"'$1'","password":"a password"}' | cut -d'"' -f4; }

# 1. Ann and Bob register and log in
register Ann ann@example.com; ANN=$(log_in ann@example.com)
register Bob bob@example.com; BOB=$(log_in bob@example.com)

# 2. Ann makes a private room and adds Bob
ROOM=$(curl -s $URL/api/rooms -H "$AUTH $ANN" -H "$JSON" -d '{"name":"first room"}' | cut -d'"' -f4)
BOB_ID=$(curl -s $URL/api/users/current -H "$AUTH $BOB" | cut -d'"' -f4)
curl -s -X POST $URL/api/rooms/$ROOM/users/$BOB_ID -H "$AUTH $ANN"; echo

# 3. Ann writes over HTTP, and Bob reads the history
curl -s $URL/api/messages/$ROOM -H "$AUTH $ANN" -H "$JSON" -d '{"text":"Hello Bob"}'; echo
curl -s $URL/api/messages/$ROOM -H "$AUTH $BOB"; echo

# 4. Ann and Bob each open a socket. Ann writes, Bob receives it and answers
${quoteForShell(node)} -e '${socketScript(url)}' "$ROOM" "$ANN" "$BOB"
`;
}

/** The shell gets this script in single quotes, so it contains none, and no `!`: bash would expand it. */
function socketScript(url: string): string {
  return `const [room, ann, bob] = process.argv.slice(1);
const open = (name, token, reactions) => {
  const headers = { authorization: "Bearer " + token };
  const socket = new WebSocket("${url.replace('http', 'ws')}/api/ws", { protocols: ["rooms.v1"], headers });
  const write = (text) => socket.send(JSON.stringify({ command: "CreateMessage", roomId: room, text }));
  socket.onmessage = ({ data }) => {
    console.log(name, "receives", data);
    const { command, text } = JSON.parse(data);
    reactions[text ?? command]?.(write);
    if (text === "Yes, Ann") socket.close();
  };
  socket.onclose = ({ code, reason }) => console.log(name, "is disconnected", code, reason);
};
const openAnn = () => open("Ann", ann, { Welcome: (write) => write("Are you there, Bob?") });
open("Bob", bob, { Welcome: openAnn, "Are you there, Bob?": (write) => write("Yes, Ann") });`;
}

function quoteForShell(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
