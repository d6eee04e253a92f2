import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Room } from '../../shared/client/examples/room.jsx';

// Shows the room of the example to the user whom the address names. StrictMode opens each view twice, as in development.

const { url, token, roomId } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
const { RoomsClient } = await import(`${url}/client/rooms.js`);
const client = new RoomsClient({ url, token });
void client.connect();
createRoot(document.querySelector('main')).render(
  <StrictMode>
    <Room client={client} roomId={roomId} />
  </StrictMode>,
);
