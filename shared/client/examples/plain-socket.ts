// A client of the original, with the two things that it gains most from: acks and refs. It runs in a browser too.
const [url = 'http://localhost:8080', email, password] = process.argv.slice(2);
const post = async (path: string, body: object, token = '') => {
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` };
  const answer = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  return (await answer.json()) as Record<string, string>;
};
const { token } = await post('/api/users/login', { email, password });
const { ticket } = await post('/api/ws/ticket', {}, token);
const socket = new WebSocket(`${url.replace('http', 'ws')}/api/ws?ticket=${ticket}`, ['rooms.v1']);
const ref = crypto.randomUUID();
socket.onmessage = ({ data }) => {
  const frame = JSON.parse(data);
  if (frame.command === 'Welcome')
    socket.send(JSON.stringify({ command: 'CreateMessage', roomId: 'general', text: 'Hello', ref }));
  if (frame.command === 'Ack' && frame.ref === ref) console.log(`stored as message ${frame.seq} of ${frame.roomId}`);
  if (frame.command === 'CreateMessage') console.log(`received ${frame.text}`);
  if (frame.command === 'Error') console.log(`refused: ${frame.code}`);
};
