/** The text that a user has begun to write, for each room. It is kept as long as the page lives. */
export const drafts = new Map<string, string>();
