import uWS from 'uWebSockets.js';

// node bench/peers/servers/uws-echo.ts <port>
// Sends every frame back to its sender, and to nobody else. Nothing is parsed, stored or shared.

const [port] = process.argv.slice(2);

uWS
  .App()
  .ws('/*', {
    open: (socket) => void socket.send('{"joined":true}'),
    message: (socket, data) => void socket.send(data),
  })
  .listen('127.0.0.1', Number(port), () => undefined);
