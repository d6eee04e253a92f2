/** @returns the whole numbers from the first to the last */
export const from = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);
