/** Every text of the page. A text with a value in it is a function. */
export const texts = {
  name: 'Rooms',
} as const;
