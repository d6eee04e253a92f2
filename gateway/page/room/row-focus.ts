/**
 * Moves the focus between the messages, so that all of them are one tab stop. Enter opens the actions of a message.
 * The handler belongs on the list.
 */
export function moveFocus(event: KeyboardEvent): void {
  const list = event.currentTarget as HTMLElement;
  const row = (event.target as HTMLElement).closest<HTMLElement>('[data-ref]');
  if (event.key === 'Enter' && event.target === row) {
    // Without this, the same key would also press the first button of the dialog that opens.
    event.preventDefault();
    row?.querySelector<HTMLElement>('.message-actions')?.click();
    return;
  }
  const next = nextRow([...list.querySelectorAll<HTMLElement>('[data-ref]')], row, event.key);
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: 'nearest' });
}

function nextRow(rows: HTMLElement[], row: HTMLElement | null, key: string): HTMLElement | undefined {
  const index = row ? rows.indexOf(row) : rows.length;
  if (key === 'ArrowUp') return rows[Math.max(index - 1, 0)];
  if (key === 'ArrowDown') return rows[Math.min(index + 1, rows.length - 1)];
  if (key === 'Home') return rows[0];
  return key === 'End' ? rows.at(-1) : undefined;
}
