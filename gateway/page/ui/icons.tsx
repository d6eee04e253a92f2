/** The lines of each icon, in a square of 24 units. */
const paths = {
  add: 'M12 5v14M5 12h14',
  back: 'M15 5l-7 7 7 7',
  close: 'M6 6l12 12M18 6L6 18',
  find: 'M11 4a7 7 0 1 1 0 14a7 7 0 0 1 0-14zM16 16l4.5 4.5',
  inspect: 'M8 7l-5 5 5 5M16 7l5 5-5 5M13.5 5l-3 14',
  lock: 'M6 11h12v9H6zM8.5 11V7.5a3.5 3.5 0 0 1 7 0V11',
  members:
    'M9 5a3.5 3.5 0 1 1 0 7a3.5 3.5 0 0 1 0-7zM2.5 20a6.5 6.5 0 0 1 13 0M16 5.5a3.5 3.5 0 0 1 0 6.5M18 14a6.5 6.5 0 0 1 3.5 6',
  menu: 'M12 5.5v.01M12 12v.01M12 18.5v.01',
  megaphone: 'M4 10v4h4l9 5V5L8 10zM20 10v4',
  send: 'M4 12L20 4l-5 16-4-6zM11 14l9-10',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5',
  room: 'M9 4L7 20M17 4l-2 16M4 9h16M3.5 15h16',
} as const;

export type IconName = keyof typeof paths;

/** A drawing without a text. What it stands for needs a text of its own. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
