import { useEffect, useState } from 'preact/hooks';

/** An object with a state that changes: a `RoomView` of the client, or one of the page's own. */
export interface Source<T> {
  /** @returns the same object until the state changes */
  getSnapshot(): T;
  /** @returns a function that removes the listener */
  subscribe(listener: () => void): () => void;
}

/** Renders the component again when the state of the source changes. @returns the state of now */
export function useSnapshot<T>(source: Source<T>): T {
  const [, setSnapshot] = useState(source.getSnapshot);
  useEffect(() => {
    const update = () => setSnapshot(() => source.getSnapshot());
    update(); // The state may have changed between the first rendering and this effect.
    return source.subscribe(update);
  }, [source]);
  return source.getSnapshot();
}
