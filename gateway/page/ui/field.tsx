import { useId } from 'preact/hooks';

interface FieldProps {
  label: string;
  /** What the person may write, below the field. */
  hint?: string;
  type?: 'text' | 'email' | 'password' | 'search' | 'tel';
  inputMode?: 'text' | 'numeric';
  autocomplete?:
    | 'username'
    | 'email'
    | 'current-password'
    | 'new-password'
    | 'given-name'
    | 'family-name'
    | 'tel'
    | 'one-time-code';
  required?: boolean;
  autofocus?: boolean;
  isInvalid?: boolean;
  value: string;
  onValue(value: string): void;
}

/** A field of one line with its label. */
export function Field({ label, hint, type = 'text', isInvalid = false, value, onValue, ...attributes }: FieldProps) {
  const { inputMode = 'text', autocomplete = 'off', required = false, autofocus = false } = attributes;
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        {...{ id, value, inputMode, autocomplete, required, autofocus }}
        type={type as 'text'} // preact has a type of its own for each type of input.
        dir="auto"
        aria-invalid={isInvalid}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onInput={({ currentTarget }) => onValue(currentTarget.value)}
      />
      {hint && (
        <small id={`${id}-hint`} dir="auto">
          {hint}
        </small>
      )}
    </div>
  );
}
