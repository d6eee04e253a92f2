import { useEffect, useState } from 'preact/hooks';
import { Refused } from '../../../shared/client/refused.ts';
import type { Session } from '../session/session.ts';
import type { RoomRecord } from './room-record.ts';

/** @returns the record of the room, undefined while it is loaded, and `gone` if the user may not see the room */
export function useRoomRecord(session: Session, roomId: string): RoomRecord | 'gone' | undefined {
  const [record, setRecord] = useState<RoomRecord | 'gone'>();
  useEffect(() => {
    let isCurrent = true;
    const load = async () => {
      try {
        const { body } = await session.client.request<RoomRecord>('GET', `/api/rooms/${encodeURIComponent(roomId)}`);
        session.directory.add(body.users);
        if (isCurrent) setRecord(body);
      } catch (error) {
        // After another error, the next change of the rooms loads again: each new connection is one.
        if (isCurrent && error instanceof Refused && error.retry === 'no') setRecord('gone');
      }
    };
    setRecord(undefined);
    void load();
    const off = session.client.on('rooms', () => void load());
    return () => {
      isCurrent = false;
      off();
    };
  }, [session, roomId]);
  return record;
}
