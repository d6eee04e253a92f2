import { useState } from 'preact/hooks';
import type { RoomType } from '../../../shared/client/protocol.ts';
import type { Session } from '../session/session.ts';
import { texts } from '../texts.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Field } from '../ui/field.tsx';
import { Form } from '../ui/form.tsx';
import { go } from '../ui/hash-route.ts';
import { useTask } from '../ui/use-task.ts';

const TYPES: readonly RoomType[] = ['Private', 'Public', 'ReadOnly'];

/** Makes a room and opens it. */
export function CreateRoom({ session, onClose }: { session: Session; onClose(): void }) {
  const [name, setName] = useState('');
  const [roomType, setRoomType] = useState<RoomType>('Private');
  const task = useTask(async () => {
    const { roomId } = await session.client.send({ command: 'CreateRoom', text: name, roomType });
    onClose();
    go({ page: 'room', roomId });
  });
  const words = texts.rooms;
  return (
    <Dialog title={words.create} onClose={onClose}>
      <Form action={words.createAction} task={task}>
        <Field label={words.nameLabel} hint={words.nameHint} required autofocus value={name} onValue={setName} />
        <fieldset class="choices">
          <legend>{words.typeLabel}</legend>
          {TYPES.map((type) => (
            <label key={type} class="choice">
              <input type="radio" name="type" checked={type === roomType} onChange={() => setRoomType(type)} />
              <span>
                <strong>{words.types[type]}</strong>
                <small>{words.typeHints[type]}</small>
              </span>
            </label>
          ))}
        </fieldset>
      </Form>
    </Dialog>
  );
}
