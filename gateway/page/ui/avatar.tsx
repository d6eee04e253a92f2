interface AvatarProps {
  name: string;
  userId: string;
  /** Shows a dot. Undefined: nothing is known. */
  isOnline?: boolean | undefined;
}

/** The number of colours in styles/parts.css. */
const COLOURS = 6;

/** The first letters of a user's name. A user has the same colour everywhere. */
export function Avatar({ name, userId, isOnline }: AvatarProps) {
  return (
    <span class={`avatar avatar-${colourOf(userId)}`} aria-hidden="true">
      {initialsOf(name)}
      {isOnline && <span class="avatar-dot" />}
    </span>
  );
}

/** @returns two letters at most. A letter may have several UTF-16 units. */
function initialsOf(name: string): string {
  const words = name.split(/\s+/).filter(Boolean).slice(0, 2);
  return words
    .map((word) => [...word][0] ?? '')
    .join('')
    .toUpperCase();
}

function colourOf(userId: string): number {
  return [...userId].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9_973, 7) % COLOURS;
}
