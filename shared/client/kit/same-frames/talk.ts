import { newId } from '../../../contract/ids.ts';
import { Labels } from './labels.ts';
import { type Account, Member, type ReceivedFrame } from './member.ts';

/** A part of the conversation, and what the client got. */
export type Transcript = Record<string, unknown>;

/** Everything that two people do on one server. It must be the same on every server. */
export async function talk(url: string, peer: Account, client: Account): Promise<Transcript> {
  return new Talk(url, peer, client).run();
}

class Talk {
  readonly #url: string;
  readonly #peerAccount: Account;
  readonly #clientAccount: Account;
  readonly #labels = new Labels();
  readonly #transcript: Transcript = {};
  readonly #rooms = new Map<string, string>();
  #peer: Member | undefined;
  #messages = 0;

  constructor(url: string, peer: Account, client: Account) {
    this.#url = url;
    this.#peerAccount = peer;
    this.#clientAccount = client;
    this.#labels.add(peer.id, 'peer');
    this.#labels.add(client.id, 'client');
  }

  async run(): Promise<Transcript> {
    this.#peer = await Member.open(this.#url, this.#peerAccount.token);
    await this.#peer.resume({ rooms: {} });
    const epoch = await this.#firstConnection();
    const positions = Object.fromEntries([...this.#rooms.values()].map((id) => [id, 3]));
    await this.#changeEverything();
    const unknown = newId();
    this.#labels.add(unknown, 'unknown room');
    const all = { ...positions, general: 0, announcements: 0, [unknown]: 1 };
    await this.#resume('after changes', { epoch, rooms: all });
    await this.#resume('another epoch', { epoch: newId(), rooms: all });
    await this.#resume('no epoch', { rooms: all });
    await this.#resume('only some rooms', { epoch, rooms: { [this.#room('stays')]: 3 } });
    await this.#resume('few messages', { epoch, rooms: all, most: 1 });
    await this.#resume('a seq from the future', { epoch, rooms: { ...all, [this.#room('stays')]: 1_000 } });
    await this.#fillGap(epoch);
    await this.#read();
    await this.#refuseTokens();
    await this.#peer.close();
    return this.#transcript;
  }

  /** Joins rooms, writes, and is refused. @returns the epoch */
  async #firstConnection(): Promise<string> {
    const member = await Member.open(this.#url, this.#clientAccount.token);
    const [welcome] = await member.resume({ rooms: {} });
    this.#labels.add(welcome?.epoch, 'epoch');
    for (const name of ['stays', 'leaves', 'returns', 'ends']) await this.#createRoom(name);
    const roomId = this.#room('stays');
    const [ref, targetId] = [newId(), newId()];
    this.#labels.add(ref, 'own ref');
    this.#labels.add(targetId, 'unknown message');
    const command = { command: 'CreateMessage', roomId, text: 'own' };
    this.#labels.add((await member.ask(command, ref)).id, 'own message');
    await member.ask(command, ref);
    const refused = [
      await member.ask({ ...command, text: 'other' }, ref),
      await member.ask({ ...command, roomId: newId() }),
      await member.ask({ command: 'UpdateRoom', roomId, text: 'a new name' }),
      await member.ask({ command: 'DeleteMessage', roomId, targetId }),
    ].map(({ ref: _ref, ...rest }) => rest);
    const others = member.frames.filter(({ command }) => command !== 'Error');
    this.#transcript['first connection'] = [this.#labels.byRoom(others), refused];
    await member.close();
    return welcome?.epoch ?? '';
  }

  /** Changes every room while the client has no connection. */
  async #changeEverything(): Promise<void> {
    const stays = this.#room('stays');
    const first = await this.#write('stays');
    const second = await this.#write('stays');
    for (const text of ['new', 'newest'])
      await this.#do({ command: 'UpdateMessage', roomId: stays, targetId: first, text });
    await this.#do({ command: 'DeleteMessage', roomId: stays, targetId: second });
    await this.#do({ command: 'UpdateRoom', roomId: stays, text: 'a new name' });
    for (const name of ['leaves', 'returns']) {
      const edited = await this.#write(name);
      await this.#member('RemoveUser', name);
      await this.#do({ command: 'UpdateMessage', roomId: this.#room(name), targetId: edited, text: 'secret' });
      await this.#write(name);
    }
    await this.#member('AddUser', 'returns');
    await this.#write('returns');
    await this.#do({ command: 'DeleteRoom', roomId: this.#room('ends') });
    await this.#createRoom('new');
  }

  async #resume(part: string, request: object): Promise<void> {
    const member = await Member.open(this.#url, this.#clientAccount.token);
    const frames = await member.resume(request);
    const [first, last] = [frames[0], frames.at(-1)].map((frame) => frame?.command);
    this.#transcript[part] = { first, last, frames: this.#labels.byRoom(frames) };
    await member.close();
  }

  /** Asks again on an open socket, and gets a live message then. */
  async #fillGap(epoch: string): Promise<void> {
    const member = await Member.open(this.#url, this.#clientAccount.token);
    await member.resume({ rooms: {} });
    const roomId = this.#room('stays');
    const replayed = await member.resume({ epoch, rooms: { [roomId]: 5 } });
    const id = await this.#write('stays');
    const live = await member.until(() => member.frames.find((frame) => frame.id === id));
    this.#transcript['a gap'] = [this.#labels.byRoom(replayed), this.#labels.replace(live)];
    await member.close();
  }

  async #read(): Promise<void> {
    for (const name of ['stays', 'leaves', 'ends'])
      for (const query of ['?size=3', '?after=3&size=2', '?before=4'])
        await this.#get(`/api/messages/:id${query}`, name, 'rooms-seq');
    for (const query of ['', '?after=4', '?after=2&size=2', '?after=1000'])
      await this.#get(`/api/rooms/:id/events${query}`, 'stays');
  }

  async #get(path: string, name: string, header = ''): Promise<void> {
    const headers = { authorization: `Bearer ${this.#clientAccount.token}` };
    const response = await fetch(this.#url + path.replace(':id', this.#room(name)), { headers });
    const body = this.#labels.replace(await response.json());
    const seq = response.headers.get(header || 'rooms-seq');
    this.#transcript[`${path} of ${name}`] = { status: response.status, seq, body };
  }

  async #refuseTokens(): Promise<void> {
    const member = await Member.open(this.#url, 'not-a-token');
    const [code, reason] = await member.closed;
    this.#transcript['a bad token'] = [member.frames, code, String(reason)];
    const response = await fetch(`${this.#url}/api/ws/ticket`, { method: 'POST' });
    this.#transcript['no token'] = [response.status, await response.json()];
  }

  async #createRoom(name: string): Promise<void> {
    const { roomId = '' } = await this.#do({ command: 'CreateRoom', text: `room ${name}` });
    this.#rooms.set(name, roomId);
    this.#labels.add(roomId, name);
    await this.#member('AddUser', name);
    await this.#write(name);
  }

  async #member(command: 'AddUser' | 'RemoveUser', name: string): Promise<void> {
    await this.#do({ command, roomId: this.#room(name), targetId: this.#clientAccount.id });
  }

  /** @returns the id of the message */
  async #write(name: string): Promise<string> {
    const text = `message ${this.#messages + 1}`;
    const { id = '' } = await this.#do({ command: 'CreateMessage', roomId: this.#room(name), text });
    return id;
  }

  /** The peer sends a command. */
  async #do(command: object): Promise<ReceivedFrame> {
    const ref = newId();
    const ack = await (this.#peer as Member).ask(command, ref);
    if (ack.command !== 'Ack') throw new Error(JSON.stringify({ command, ack }));
    this.#labels.add(ack.id, `message ${++this.#messages}`);
    this.#labels.add(ref, `ref ${this.#messages}`);
    return ack;
  }

  #room(name: string): string {
    return this.#rooms.get(name) ?? '';
  }
}
