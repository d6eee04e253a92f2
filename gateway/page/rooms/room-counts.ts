/** How much of a room the user has not read. */
export interface RoomCounts {
  unread: number;
  mentions: number;
}

/** Where the counts of the rooms come from. */
export interface CountsSource {
  /** The same object until a count changes. */
  getSnapshot(): ReadonlyMap<string, RoomCounts>;
  subscribe(listener: () => void): () => void;
}
