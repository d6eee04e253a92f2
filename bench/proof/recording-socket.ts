import type { SentCommand } from './history.ts';
import type { Recorder } from './recorder.ts';

interface Frame extends Partial<SentCommand> {
  code?: string;
  seq?: number;
}

export interface RecordingSocketOptions {
  recorder: Recorder;
  /** Changes the URL to that of the next gateway. */
  move: (url: string) => string;
  /** Called for each answer of a gateway. @param answer the seq of an ack, or the code of a refusal */
  onAnswer: (ref: string, answer: number | string) => void;
}

/** Makes a class of sockets for the client library. A socket records each command, each answer, and its end. */
export function recordingSocket({ recorder, move, onAnswer }: RecordingSocketOptions) {
  return class extends WebSocket {
    readonly #connection = recorder.nextConnection();

    constructor(url: string, protocols: string[]) {
      super(move(url), protocols);
      this.addEventListener('message', ({ data }) => this.#recordAnswer(JSON.parse(data)));
      this.addEventListener('close', ({ code, reason }) =>
        recorder.record({ kind: 'closed', connection: this.#connection, reason: `close code ${code} ${reason}` }),
      );
    }

    override send(text: string): void {
      const { command, ref, roomId = '', targetId = '', text: body = '' } = JSON.parse(text) as Frame;
      if (command && ref)
        recorder.record({ kind: 'sent', connection: this.#connection, command, ref, roomId, targetId, text: body });
      super.send(text);
    }

    #recordAnswer(frame: Omit<Frame, 'command'> & { command: string }): void {
      const { command, ref, code, roomId = '', seq = 0 } = frame;
      if (!ref || (command !== 'Ack' && command !== 'Error')) return;
      const event = { connection: this.#connection, ref };
      if (code) recorder.record({ kind: 'refused', ...event, code });
      else recorder.record({ kind: 'acked', ...event, roomId, seq });
      onAnswer(ref, code ?? seq);
    }
  };
}
