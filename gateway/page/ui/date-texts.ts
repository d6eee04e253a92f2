// To make a formatter takes longer than to use it a hundred times, and a room can show 10,000 times.
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
const shortDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

/** The texts of a time, in the language of the browser. @param timeMs milliseconds since 1970 */
export const dateTexts = {
  clock: (timeMs: number) => clock.format(timeMs),
  full: (timeMs: number) => full.format(timeMs),
  day: (timeMs: number) => day.format(timeMs),
  shortDay: (timeMs: number) => shortDay.format(timeMs),
};
