import { openFileStore } from '../file-store.ts';
import { RoomsClient } from '../main.ts';

// Answers each "ping" once, also after a crash: the id of the message is the ref of the answer.
const [url = 'http://localhost:8080', email, password, path = 'bot.json'] = process.argv.slice(2);
const client = new RoomsClient({ url, email, password, store: await openFileStore(path), keepPositions: true });
void client.connect();
for await (const { command, roomId, id, text } of client.messages()) {
  if (command === 'CreateMessage' && text === 'ping') await client.write(roomId, 'pong', id);
}
