import { once } from 'node:events';
import { WebSocket } from 'ws';
import { ROOMS_V1 } from '../../../contract/frames.ts';
import { newId } from '../../../contract/ids.ts';

export interface Account {
  id: string;
  token: string;
}

export interface ReceivedFrame {
  command: string;
  id?: string;
  seq?: number;
  roomId?: string;
  ref?: string;
  more?: boolean;
  epoch?: string;
}

/** A socket that resumes, and all frames that it has received. */
export class Member {
  readonly frames: ReceivedFrame[] = [];
  readonly #socket: WebSocket;
  readonly closed: Promise<unknown[]>;
  #check: () => void = () => undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.closed = once(socket, 'close');
    socket.on('message', (data) => {
      this.frames.push(JSON.parse(data.toString()));
      this.#check();
    });
  }

  static async open(url: string, token: string): Promise<Member> {
    const headers = { authorization: `Bearer ${token}` };
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/ws?resume=true`, [ROOMS_V1], { headers });
    const member = new Member(socket);
    await once(socket, 'open');
    return member;
  }

  /** Sends `Resume`, and waits for `Resumed`. @returns the frames in between */
  async resume(request: object): Promise<ReceivedFrame[]> {
    const before = this.frames.length;
    this.send({ command: 'Resume', ...request });
    await this.until(() => this.frames.slice(before).find(({ command }) => command === 'Resumed'));
    return this.frames.slice(before);
  }

  send(frame: object): void {
    this.#socket.send(JSON.stringify(frame));
  }

  /** Sends a command. @returns its outcome */
  async ask(command: object, ref = newId()): Promise<ReceivedFrame> {
    const before = this.frames.length;
    this.send({ ...command, ref });
    const isOutcome = (frame: ReceivedFrame) => frame.ref === ref && /^(Ack|Error)$/.test(frame.command);
    return this.until(() => this.frames.slice(before).find(isOutcome));
  }

  async until<T>(find: () => T | undefined): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>();
    this.#check = () => {
      const found = find();
      if (found !== undefined) resolve(found);
    };
    this.#check();
    return promise;
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.closed;
  }
}
