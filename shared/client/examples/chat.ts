import { RoomsClient } from '../main.ts';

const [url = 'http://localhost:8080', email, password] = process.argv.slice(2);
const client = new RoomsClient({ url, email, password });
await client.connect();
// There is no join for each connection: the socket has all rooms of the user, also after a reconnect.
const { roomId } = await client.send({ command: 'CreateRoom', text: 'Tea room', roomType: 'Public' });
client.on('message', ({ seq, text }) => console.log(`#${seq} ${text}`));
// Resolves when the message is stored. The client sends it again until then, and it has one effect.
await client.write(roomId, 'Hello');
const { body } = await client.request<{ text: string }[]>('GET', `/api/messages/${roomId}`);
console.log(body.map(({ text }) => text));
await client.close();
