import { openIndexedDbStore } from '../../../shared/client/indexed-db-store.ts';
import { RoomPeople } from '../../../shared/client/room-people.ts';
import { RoomsClient } from '../../../shared/client/rooms-client.ts';
import type { Store } from '../../../shared/client/store.ts';
import { UnreadCounts } from '../../../shared/client/unread-counts.ts';
import { Inspection } from '../inspector/inspection.ts';
import { RoomList } from '../rooms/room-list.ts';
import { ConnectionStatus } from './connection-status.ts';
import { Directory } from './directory.ts';
import type { StoredSession } from './stored-session.ts';

/** All that the page has of the user who is logged in. There is one client in each tab. */
export class Session {
  readonly userId: string;
  readonly client: RoomsClient;
  readonly directory: Directory;
  readonly connection: ConnectionStatus;
  readonly rooms: RoomList;
  readonly unread: UnreadCounts;
  readonly people: RoomPeople;
  readonly inspection: Inspection;

  private constructor(userId: string, client: RoomsClient, inspection: Inspection) {
    this.userId = userId;
    this.inspection = inspection;
    this.client = client;
    this.directory = new Directory((method, path) => client.request(method, path));
    this.connection = new ConnectionStatus(client);
    this.rooms = new RoomList(client);
    this.unread = new UnreadCounts(client);
    this.people = new RoomPeople(client);
  }

  /** Opens the store of the user and connects. Commands from before a reload are sent again. */
  static async open({ token, userId }: StoredSession): Promise<Session> {
    const store = await openStore(userId);
    const inspection = new Inspection();
    const { WebSocket } = inspection.sockets;
    const client = new RoomsClient({ url: location.origin, token, WebSocket, ...(store && { store }) });
    inspection.watch(client);
    const session = new Session(userId, client, inspection);
    void client.connect();
    return session;
  }

  close(): Promise<void> {
    this.rooms.close();
    return this.client.close();
  }
}

/** A browser in private mode may have no IndexedDB. Then commands without an outcome end with the tab. */
function openStore(userId: string): Promise<Store | undefined> {
  return openIndexedDbStore(`rooms-${userId}`).catch(() => undefined);
}
