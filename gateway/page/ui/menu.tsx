import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Icon } from './icons.tsx';

export interface MenuItem {
  label: string;
  isDangerous?: boolean;
  act(): void;
}

interface MenuProps {
  label: string;
  items: MenuItem[];
}

/** A button that opens a short list of actions. The arrow keys move, Escape closes. */
export function Menu({ label, items }: MenuProps) {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    if (!isOpen) return;
    entriesOf(root.current)[0]?.focus();
    const closeOutside = ({ target }: Event) => !root.current?.contains(target as Node) && setOpen(false);
    document.addEventListener('pointerdown', closeOutside);
    return () => document.removeEventListener('pointerdown', closeOutside);
  }, [isOpen]);

  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const handleKey = (event: KeyboardEvent) => {
    if (event.key === 'Tab') return setOpen(false);
    const moved = { ArrowDown: 1, ArrowUp: -1, Home: 'first', End: 'last', Escape: 'close' }[event.key];
    if (moved === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (moved === 'close') close();
    else moveFocus(entriesOf(root.current), moved);
  };
  return (
    <div class="menu" ref={root}>
      <button
        ref={button}
        type="button"
        class="icon-button"
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        onClick={() => setOpen(!isOpen)}
      >
        <Icon name="menu" />
      </button>
      {isOpen && (
        <div id={id} class="menu-list" role="menu" aria-label={label} tabIndex={-1} onKeyDown={handleKey}>
          {items.map((item) => (
            <button
              type="button"
              key={item.label}
              role="menuitem"
              tabIndex={-1}
              class={item.isDangerous ? 'menu-item menu-item-danger' : 'menu-item'}
              onClick={() => {
                close();
                item.act();
              }}
            >
              {item.label}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

function entriesOf(root: HTMLElement | null): HTMLElement[] {
  return [...(root?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])];
}

function moveFocus(entries: HTMLElement[], move: number | string): void {
  const index = entries.indexOf(document.activeElement as HTMLElement);
  const next = typeof move === 'number' ? (index + move + entries.length) % entries.length : move === 'first' ? 0 : -1;
  entries.at(next)?.focus();
}
