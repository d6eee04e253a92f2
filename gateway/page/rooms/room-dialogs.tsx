import { useState } from 'preact/hooks';
import type { Session } from '../session/session.ts';
import { texts } from '../texts.ts';
import { Confirm } from '../ui/confirm.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Field } from '../ui/field.tsx';
import { Form } from '../ui/form.tsx';
import { go } from '../ui/hash-route.ts';
import { useTask } from '../ui/use-task.ts';
import type { RoomRecord } from './room-record.ts';

export type RoomDialogName = 'rename' | 'delete' | 'leave';

interface RoomDialogProps {
  session: Session;
  room: RoomRecord;
  onClose(): void;
}

export function RoomDialog({ name, ...props }: RoomDialogProps & { name: RoomDialogName }) {
  if (name === 'rename') return <RenameRoom {...props} />;
  return name === 'delete' ? <DeleteRoom {...props} /> : <LeaveRoom {...props} />;
}

function RenameRoom({ session, room, onClose }: RoomDialogProps) {
  const [name, setName] = useState(room.name);
  const task = useTask(async () => {
    await session.client.send({ command: 'UpdateRoom', roomId: room.id, text: name });
    onClose();
  });
  const words = texts.rooms;
  return (
    <Dialog title={words.renameTitle} onClose={onClose}>
      <Form action={words.rename} task={task}>
        <Field label={words.nameLabel} hint={words.nameHint} required autofocus value={name} onValue={setName} />
      </Form>
    </Dialog>
  );
}

function DeleteRoom({ session, room, onClose }: RoomDialogProps) {
  const words = texts.rooms;
  return (
    <Confirm
      title={words.deleteTitle}
      text={words.deleteText(room.name)}
      action={words.delete}
      onConfirm={async () => {
        await session.client.send({ command: 'DeleteRoom', roomId: room.id });
        go({ page: 'rooms' });
      }}
      onClose={onClose}
    />
  );
}

function LeaveRoom({ session, room, onClose }: RoomDialogProps) {
  const words = texts.rooms;
  return (
    <Confirm
      title={words.leaveTitle}
      text={words.leaveText(room.name)}
      action={words.leave}
      onConfirm={async () => {
        await session.client.send({ command: 'RemoveUser', roomId: room.id, targetId: session.userId });
        go({ page: 'rooms' });
      }}
      onClose={onClose}
    />
  );
}
