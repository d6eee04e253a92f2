/** Makes a random UUID. `crypto.randomUUID` does not exist on pages that are loaded with `http:`. */
export const newRef = (): string =>
  '10000000-1000-4000-8000-100000000000'.replace(/[018]/g, (digit) => {
    const [random = 0] = crypto.getRandomValues(new Uint8Array(1));
    // 1 becomes any digit, 8 becomes 8, 9, a or b, and 0 becomes any digit.
    return (digit === '8' ? 8 + (random % 4) : random % 16).toString(16);
  });
