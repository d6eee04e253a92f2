import { setTimeout as wait } from 'node:timers/promises';
import type { Ack, ErrorFrame, Welcome } from '../../../contract/frames.ts';
import type { Message } from '../../../contract/messages.ts';
import type { ClientUnderTest, Order, Report } from '../client-under-test.ts';
import { ExampleCommands } from './example-commands.ts';
import { ExampleHttp } from './example-http.ts';
import { ExampleStreams } from './example-streams.ts';
import type { Faults } from './faults.ts';

type Frame = { command?: string; ref?: string; seq?: number; roomId?: string } & Record<string, unknown>;

/** Waits before a reconnect. All are random, so that many clients do not come together. */
const MIN_UNAVAILABLE_MS = 1_500;
const RECONNECT_MS = 300;
const MAX_RECONNECT_MS = 1_500;

/** A small client that does what docs/protocol.md says. The tests of the kit use it, and break it. */
export class ExampleClient implements ClientUnderTest {
  readonly #report: (report: Report) => void;
  readonly #commands: ExampleCommands;
  readonly #streams: ExampleStreams;
  #http: ExampleHttp | undefined;
  #socket: WebSocket | undefined;
  #isStopped = false;
  #failures = 0;

  constructor(report: (report: Report) => void, faults: Faults = {}) {
    this.#report = report;
    this.#commands = new ExampleCommands(report, faults);
    this.#streams = new ExampleStreams(report, faults, (frame) => this.#socket?.send(JSON.stringify(frame)));
  }

  write(order: Order): void {
    if (order.do === 'send') return void this.#commands.add(order);
    this.#http = new ExampleHttp(order);
    void this.#connect();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#commands.use(undefined);
    this.#socket?.close();
  }

  async #connect(): Promise<void> {
    try {
      const socket = await this.#http?.openSocket();
      if (!socket || this.#isStopped) return socket?.close();
      this.#follow(socket);
    } catch (error) {
      await this.#reconnect(error as { retryAfter?: number });
    }
  }

  async #reconnect({ retryAfter = 0 }: { retryAfter?: number | undefined }): Promise<void> {
    const randomMs = Math.random() * Math.min(MAX_RECONNECT_MS, RECONNECT_MS * 2 ** this.#failures++);
    await wait(retryAfter * 1_000 + randomMs);
    if (!this.#isStopped) await this.#connect();
  }

  #follow(socket: WebSocket): void {
    let retryAfter: number | undefined;
    let isLeaving = false;
    // Node 22 reports a refused upgrade with this event alone. Later, a close follows each error.
    socket.onerror = () => void this.#closed(1006, undefined);
    socket.onopen = () => {
      socket.onerror = null;
      for (const frame of this.#streams.resumeFrames()) socket.send(JSON.stringify(frame));
    };
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data) as Frame;
      if (frame.command === 'Error' && !frame.ref) retryAfter = (frame as unknown as ErrorFrame).retryAfter;
      if (frame.command === 'Resumed') this.#failures = 0;
      if (frame.command === 'GoingAway' && !isLeaving) {
        isLeaving = true;
        void this.#connect();
      }
      this.#receive(frame, socket);
    };
    socket.onclose = ({ code }) => {
      this.#commands.lose(socket);
      if (!this.#isStopped && !isLeaving) void this.#closed(code, retryAfter);
    };
  }

  #receive(frame: Frame, socket: WebSocket): void {
    if (frame.command === 'Welcome') this.#welcome(frame as unknown as Welcome, socket);
    else if (frame.command === 'Resync') void this.#load(String(frame.roomId), Number(frame.seq));
    else if (frame.command === 'Ack' || frame.command === 'Error') this.#receiveOutcome(frame as never, socket);
    else this.#streams.receive(frame as unknown as Message);
  }

  #receiveOutcome(frame: Ack | ErrorFrame, socket: WebSocket): void {
    if (frame.ref) this.#commands.receive(frame);
    else if (frame.command === 'Error') this.#streams.resumeLater(frame.retryAfter ?? 1);
    if (frame.ref && frame.command === 'Error' && frame.retry === 'after_login') this.#logInAgain(socket);
    this.#closeIfDone(socket);
  }

  #logInAgain(socket: WebSocket): void {
    this.#http?.forgetToken();
    socket.close();
  }

  #welcome(welcome: Welcome, socket: WebSocket): void {
    for (const { roomId, seq } of this.#streams.welcome(welcome)) void this.#load(roomId, seq);
    if (welcome.more) return;
    const old = this.#socket;
    this.#socket = socket;
    this.#commands.use(socket);
    if (old) this.#closeIfDone(old);
  }

  /** The old socket stays open until its commands have outcomes. */
  #closeIfDone(socket: WebSocket): void {
    if (socket !== this.#socket && !this.#commands.isWaitingFor(socket)) socket.close();
  }

  async #load(roomId: string, seq: number): Promise<void> {
    this.#streams.beginLoad(roomId, seq);
    // A load that the end of the server interrupts has no effect.
    const loaded = await this.#http?.loadHistory(roomId).catch(() => undefined);
    if (loaded === undefined) return;
    if (loaded < seq) return this.#load(roomId, seq);
    this.#report({ loaded: roomId, seq: loaded });
    this.#streams.endLoad(roomId, loaded);
  }

  async #closed(code: number, retryAfter: number | undefined): Promise<void> {
    if (code >= 4400 && code < 4500 && code !== 4401) return;
    if (code === 4401) this.#http?.forgetToken();
    const isDelayed = code >= 4100 && code < 4200;
    await this.#reconnect({ retryAfter: isDelayed ? (retryAfter ?? MIN_UNAVAILABLE_MS / 1_000) : 0 });
  }
}
