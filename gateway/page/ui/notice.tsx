import { errorText } from './error-text.ts';

/** The text of an error, which a screen reader announces at once. Nothing without an error. */
export function Notice({ error }: { error: unknown }) {
  return (
    <div class="alert" role="alert">
      {error !== undefined && (
        <p class="notice notice-bad" dir="auto">
          {errorText(error)}
        </p>
      )}
    </div>
  );
}
