import { useEffect, useRef, useState } from 'preact/hooks';

interface Task<A extends unknown[]> {
  isRunning: boolean;
  /** Why the last run failed. */
  error: unknown;
  run(...input: A): Promise<void>;
}

/** Something that a person starts and that takes time. It runs once at a time, and its error is shown. */
export function useTask<A extends unknown[]>(act: (...input: A) => Promise<unknown>): Task<A> {
  const [state, setState] = useState<{ isRunning: boolean; error: unknown }>({ isRunning: false, error: undefined });
  const isRunning = useRef(false);
  const isMounted = useRef(true);
  useEffect(() => {
    isMounted.current = true;
    return () => {
      isMounted.current = false;
    };
  }, []);
  const run = async (...input: A) => {
    if (isRunning.current) return;
    isRunning.current = true;
    setState({ isRunning: true, error: undefined });
    const error = await act(...input).then(
      () => undefined,
      (reason) => reason ?? new Error('it failed'),
    );
    isRunning.current = false;
    if (isMounted.current) setState({ isRunning: false, error });
  };
  return { ...state, run };
}
