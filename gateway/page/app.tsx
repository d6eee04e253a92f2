import { texts } from './texts.ts';

/** The whole page. */
export function App() {
  return <h1>{texts.name}</h1>;
}
