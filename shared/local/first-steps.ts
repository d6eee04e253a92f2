interface FirstStepsOptions {
  url: string;
  home: string;
  root: string;
  /** The folder where mails are kept, if no mail server takes them. */
  mails: string | undefined;
}

/** What `npm start` prints when all is ready: where to look, and a first conversation to paste into a terminal. */
export function firstSteps({ url, home, root, mails }: FirstStepsOptions): string {
  const listen = `
const [token, room] = process.argv.slice(1);
const socket = new WebSocket("${url.replace('http', 'ws')}/api/ws", {
  protocols: ["rooms.v1"], headers: { authorization: "Bearer " + token } });
socket.onopen = () => socket.send(JSON.stringify({ command: "CreateMessage", roomId: room, text: "Hello socket!" }));
socket.onmessage = ({ data }) => console.log(data);
socket.onclose = ({ code, reason }) => console.log("closed", code, reason);`;
  return `
Rooms runs at ${url} (Ctrl-C stops it).
Data and logs are in ${home}.
${mails ? `Mails go nowhere but to ${mails}, and are told here.\n` : ''}To make an admin: npm run admin -- grant <email>

# A first conversation. Paste it into another terminal:

URL=${url}
JSON='Content-Type: application/json'
curl -s $URL/api/users/register -H "$JSON" \\
  -d '{"firstName":"First","lastName":"Last","email":"first@example.com","password":"password"}'; echo
TOKEN=$(curl -s $URL/api/users/login -H "$JSON" \\
  -d '{"email":"first@example.com","password":"password"}' | cut -d'"' -f4)
ROOM=$(curl -s $URL/api/rooms -H "Authorization: Bearer $TOKEN" -H "$JSON" -d '{"name":"my first room"}' | cut -d'"' -f4)
curl -s $URL/api/messages/$ROOM -H "Authorization: Bearer $TOKEN" -H "$JSON" -d '{"text":"Hello World!"}'; echo
curl -s "$URL/api/messages/$ROOM?page=1&size=10" -H "Authorization: Bearer $TOKEN"; echo

# The same room over a WebSocket (Ctrl-C ends it):

${quote(`${root}/node_modules/.bin/node`)} -e '${listen.trim()}' "$TOKEN" "$ROOM"
`;
}

/** For a shell, whatever the path holds. */
function quote(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}
