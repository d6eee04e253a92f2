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
import { encodeMessages } from './stored-messages.ts';

const PREFIX = 'rooms';
const names = channelNames(PREFIX);
const log = createLog('test', 'silent');
const payloads = new PayloadReader(createMetrics(), log);
export const USERS = [1, 2, 3].map(modelId);

/** A socket of a client. It keeps what its client sees. */
export class SimulatedSocket implements LiveSocket {
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
    if (!this.welcome) this.errors.push('a message before the Welcome');
    this.messages.push(JSON.parse(frame));
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
    const socket = new SimulatedSocket(userId, tokenId, (closed) => {
      this.sockets.delete(closed);
      this.liveRooms.detach(closed);
    });
    this.sockets.add(socket);
    const bearer = { userId, tokenId, version: 0, expires: Number.MAX_SAFE_INTEGER };
    const attached = this.liveRooms.attach(socket, bearer, (rooms) => {
      socket.welcome = new Map(rooms.map(({ id, seq }) => [id, seq]));
    });
    attached.catch((error: unknown) => socket.close((error as Refusal).code ?? 'unavailable'));
    return socket;
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
