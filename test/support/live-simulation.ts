import type { Random } from '../../bench/proof/seeded-random.ts';
import type { LiveSocket } from '../../gateway/live/attached-user.ts';
import { LiveRooms } from '../../gateway/live/live-rooms.ts';
import { channelNames, type Notice } from '../../shared/contract/channels.ts';
import type { Refusal } from '../../shared/contract/errors.ts';
import { type Message, membershipChange } from '../../shared/contract/messages.ts';
import { encodeVersioned } from '../../shared/contract/versions.ts';
import { createLog } from '../../shared/log.ts';
import { createMetrics } from '../../shared/metrics.ts';
import { PayloadReader } from '../../shared/payloads.ts';
import { LiveModel, modelId } from './live-model.ts';
import { ModelRedis, writeOnlyRedis } from './model-redis.ts';
import { ResumedStream, type SentResume } from './resumed-stream.ts';
import { encodeMessages } from './stored-messages.ts';

const PREFIX = 'rooms';
const names = channelNames(PREFIX);
const log = createLog('test', 'silent');
const metrics = createMetrics();
const payloads = new PayloadReader(metrics, log);
export const USERS = [1, 2, 3].map(modelId);

/** A socket of a client. It keeps what its client sees. */
export class SimulatedSocket implements LiveSocket {
  readonly isV1 = true;
  attachment: LiveSocket['attachment'];
  readonly userId: string;
  readonly tokenId: string;
  readonly topics = new Set<string>();
  /** The seq of the last message of each room, at the `Welcome`. */
  welcome: Map<string, number> | undefined;
  readonly messages: Pick<Message, 'roomId' | 'seq' | 'id' | 'command' | 'targetId' | 'userId'>[] = [];
  /** Why the socket was closed. Undefined while it is open. */
  closedWith: string | undefined;
  readonly errors: string[] = [];
  /** Set if the socket resumes. */
  stream: ResumedStream | undefined;
  readonly #onClose: (socket: SimulatedSocket) => void;

  constructor(userId: string, tokenId: string, onClose: (socket: SimulatedSocket) => void) {
    this.userId = userId;
    this.tokenId = tokenId;
    this.#onClose = onClose;
  }

  get closed(): boolean {
    return this.closedWith !== undefined;
  }

  join(topic: string): void {
    if (!this.closed) this.topics.add(topic);
  }

  leave(topic: string): void {
    this.topics.delete(topic);
  }

  send(frame: string): void {
    if (this.closed) return;
    const message = JSON.parse(frame);
    this.stream?.follow(message);
    if (this.stream) return;
    if (!this.welcome) this.errors.push('a message before the Welcome');
    this.messages.push(message);
  }

  sendTogether(frames: string[]): void {
    for (const frame of frames) this.send(frame);
  }

  readonly unsentBytes = 0;

  cork(send: () => void): void {
    send();
  }

  waitForUnsent(): Promise<void> {
    return Promise.resolve();
  }

  closeWithError(refusal: Refusal): void {
    this.close(refusal.code);
  }

  close(reason: string): void {
    if (this.closed) return;
    this.closedWith = reason;
    this.topics.clear();
    this.#onClose(this);
  }
}

/** The real live rooms of one gateway, and its sockets. */
export class SimulatedGateway {
  readonly redis: ModelRedis;
  readonly liveRooms: LiveRooms;
  readonly sockets = new Set<SimulatedSocket>();

  constructor(id: string, model: LiveModel, random: Random) {
    this.redis = new ModelRedis(random);
    this.liveRooms = new LiveRooms({
      ...{ redis: writeOnlyRedis(), subscriberRedis: this.redis.asRedis, gatewayId: id, prefix: PREFIX, payloads, log },
      metrics,
      pendingCommands: () => 0,
      reads: model.reads(),
      epoch: { spend: () => undefined, renew: async () => undefined },
      ...(random(2) === 0 && { lingerMs: 0 }),
      publish: (topic, frame) => {
        for (const socket of this.sockets) if (socket.topics.has(topic)) socket.send(frame);
      },
    });
    this.liveRooms.closeSockets = async (reason) => this.closeAll(reason);
  }

  /** Opens a socket. If it cannot attach, it is closed with the code of the refusal. */
  open(userId: string, tokenId: string): SimulatedSocket {
    const { socket, bearer } = this.#addSocket(userId, tokenId);
    const attached = this.liveRooms.attach(socket, bearer, (rooms) => {
      socket.welcome = new Map(rooms.map(({ id, seq }) => [id, seq]));
    });
    attached.catch((error: unknown) => socket.close((error as Refusal).code ?? 'unavailable'));
    return socket;
  }

  /** Opens a socket that resumes. */
  resume(userId: string, tokenId: string, stream: ResumedStream, resume: SentResume): SimulatedSocket {
    const { socket, bearer } = this.#addSocket(userId, tokenId);
    socket.stream = stream;
    stream.follow({ command: 'Resume', ...resume });
    const request = { ...resume, positions: new Map(resume.positions), most: Number.MAX_SAFE_INTEGER };
    const attached = this.liveRooms.attachResuming(
      socket,
      bearer,
      () => request,
      (rooms) => {
        if (!socket.closed) stream.follow({ command: 'Welcome', rooms });
      },
    );
    attached.catch((error: unknown) => socket.close((error as Refusal).code ?? 'unavailable'));
    return socket;
  }

  /** The client of an open socket sends a `Resume` frame. */
  resumeAgain(socket: SimulatedSocket, resume: SentResume): void {
    socket.stream?.follow({ command: 'Resume', ...resume });
    const request = { ...resume, positions: new Map(resume.positions), most: Number.MAX_SAFE_INTEGER };
    this.liveRooms.resume(socket, request);
  }

  #addSocket(userId: string, tokenId: string) {
    const socket = new SimulatedSocket(userId, tokenId, (closed) => {
      this.sockets.delete(closed);
      this.liveRooms.detach(closed);
    });
    this.sockets.add(socket);
    return { socket, bearer: { userId, tokenId, version: 0, expires: Number.MAX_SAFE_INTEGER } };
  }

  closeAll(reason: string): void {
    for (const socket of [...this.sockets]) socket.close(reason);
  }
}

/** A publication that a worker has not sent yet. */
interface Publication {
  channel: string;
  payload: string;
}

/** Two gateways, and workers that commit a change and then publish it, or die before that. */
export class LiveSimulation {
  readonly random: Random;
  readonly model: LiveModel;
  readonly gateways: SimulatedGateway[];
  readonly sockets: SimulatedSocket[] = [];
  #publications: Publication[] = [];

  constructor(random: Random) {
    this.random = random;
    this.model = new LiveModel(random);
    this.gateways = [1, 2].map((id) => new SimulatedGateway(modelId(100 + id), this.model, random));
    for (let count = 0; count < 3; count++) this.publishLater(this.model.createRoom(this.any(USERS) as string));
  }

  any<T>(list: Iterable<T>): T | undefined {
    const items = [...list];
    return items[this.random(items.length)];
  }

  openSocket(): void {
    const socket = this.any(this.gateways)?.open(this.any(USERS) as string, this.model.newId());
    if (socket) this.sockets.push(socket);
  }

  /** Opens a socket that resumes where an earlier socket of its user was closed, or without positions. */
  openResumingSocket(): void {
    const userId = this.any(USERS) as string;
    const closed = this.sockets.filter((socket) => socket.stream && socket.closed && socket.userId === userId);
    const positions = new Map(this.random(4) > 0 ? this.any(closed)?.stream?.last : []);
    const isSameEpoch = positions.size > 0 && this.random(6) > 0;
    const foreign = this.any(this.model.rooms.keys());
    if (isSameEpoch && foreign && this.random(4) === 0) positions.set(foreign, this.random(8));
    const stream = new ResumedStream(userId, this.model);
    const gateway = this.any(this.gateways);
    const socket = gateway?.resume(userId, this.model.newId(), stream, { positions, isSameEpoch });
    if (socket) this.sockets.push(socket);
  }

  /** A client asks again for what came after an earlier position. */
  resumeAgain(): void {
    const gateway = this.any(this.gateways);
    const socket = this.any([...(gateway?.sockets ?? [])].filter((each) => each.attachment?.isAttached && each.stream));
    if (!gateway || !socket?.stream) return;
    const known = [...socket.stream.last].filter(() => this.random(2) === 0);
    const positions = new Map(known.map(([roomId, seq]) => [roomId, this.random(seq + 2)]));
    gateway.resumeAgain(socket, { positions, isSameEpoch: this.random(6) > 0 });
  }

  /** The publications of a worker, after its commit. */
  publishLater(message: Message): void {
    this.#publications.push({ channel: names.room(message.roomId), payload: encodeMessages(message) });
    const change = membershipChange(message);
    const { roomId, seq } = message;
    if (change?.isMember) this.#noticeLater({ userId: change.userId, invitation: { roomId, seq } });
  }

  revokeToken(): void {
    const socket = this.any(this.gateways.flatMap(({ sockets }) => [...sockets]));
    if (!socket || this.model.revoked.has(socket.tokenId)) return;
    this.model.revoke(socket.tokenId, socket.userId);
    this.#noticeLater({ userId: socket.userId, revocation: { tokenId: socket.tokenId } });
  }

  /** Sends a publication. @param copies 0 if the worker has died, 2 if a copy of the job publishes it too */
  publish(copies: number, isFirst = this.random(3) > 0): boolean {
    const index = isFirst ? 0 : this.random(this.#publications.length);
    const [publication] = this.#publications.splice(index, 1);
    if (!publication) return false;
    for (let copy = 0; copy < copies; copy++)
      for (const { redis } of this.gateways) redis.publish(publication.channel, publication.payload);
    return true;
  }

  restartGateway(): void {
    const index = this.random(this.gateways.length);
    this.gateways[index]?.closeAll('going_away');
    void this.gateways[index]?.liveRooms.close();
    this.gateways[index] = new SimulatedGateway(this.model.newId(), this.model, this.random);
  }

  async close(): Promise<void> {
    await Promise.all(this.gateways.map(({ liveRooms }) => liveRooms.close()));
  }

  #noticeLater(notice: Notice): void {
    this.#publications.push({ channel: names.notices, payload: encodeVersioned({ notices: [notice] }) });
  }
}
