import uWS, { type HttpRequest, type HttpResponse, type us_socket_context_t, type WebSocket } from 'uWebSockets.js';

/** What the client states in the URL of its socket. No peer checks it. */
export interface Session {
  room: string;
  sender: string;
}

export interface RoomSockets {
  publish(room: string, frame: string): void;
  /** Does nothing if the socket of the sender is closed. */
  acknowledge(sender: string, ref: string): void;
}

/** Listens with uWebSockets.js on 127.0.0.1. Each socket joins the room of its URL, and gets `{"joined":true}`. */
export function openRoomSockets(port: number, receive: (session: Session, frame: string) => void): RoomSockets {
  const socketOfSender = new Map<string, WebSocket<Session>>();
  const app = uWS.App().ws<Session>('/*', {
    upgrade,
    open: (socket) => {
      const { room, sender } = socket.getUserData();
      socketOfSender.set(sender, socket);
      socket.subscribe(room);
      socket.send('{"joined":true}');
    },
    message: (socket, data) => receive(socket.getUserData(), Buffer.from(data).toString()),
    close: (socket) => void socketOfSender.delete(socket.getUserData().sender),
  });
  app.listen('127.0.0.1', port, () => undefined);
  return {
    publish: (room, frame) => void app.publish(room, frame),
    acknowledge: (sender, ref) => void socketOfSender.get(sender)?.send(`{"ack":"${ref}"}`),
  };
}

function upgrade(response: HttpResponse, request: HttpRequest, context: us_socket_context_t): void {
  const session = { room: request.getQuery('room') ?? '', sender: request.getQuery('sender') ?? '' };
  const header = (name: string) => request.getHeader(`sec-websocket-${name}`);
  response.upgrade(session, header('key'), header('protocol'), header('extensions'), context);
}
