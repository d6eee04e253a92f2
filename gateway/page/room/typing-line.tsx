import { texts } from '../texts.ts';

interface TypingLineProps {
  userIds: Iterable<string>;
  nameOf(userId: string): string;
}

/** Who types now. It is not announced: a screen reader would never be quiet in a busy room. */
export function TypingLine({ userIds, nameOf }: TypingLineProps) {
  const names = [...userIds].map((userId) => nameOf(userId) || texts.common.unknownUser);
  return (
    <p class="typing" dir="auto">
      {names.length > 0 && texts.room.typing(names)}
    </p>
  );
}
