import { useEffect, useState } from 'preact/hooks';
import { texts } from '../texts.ts';
import { readMailedCode, showsCodes } from './development.ts';

interface CaughtCodeProps {
  email: string;
  mailedAt: Date;
}

/** Shows the mailed code, where no mail leaves the machine. Shows nothing elsewhere. */
export function CaughtCode({ email, mailedAt }: CaughtCodeProps) {
  const [code, setCode] = useState<string>();
  useEffect(() => {
    const abort = new AbortController();
    const read = async () => {
      if (await showsCodes()) setCode(await readMailedCode(email, mailedAt, abort.signal));
    };
    read().catch(() => setCode(undefined));
    return () => abort.abort();
  }, [email, mailedAt]);
  return <p role="status">{code && texts.code.caught(code)}</p>;
}
