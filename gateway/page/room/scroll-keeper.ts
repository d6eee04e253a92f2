/** A reader who is this near the end follows new messages. */
const END_PX = 48;
/** Older messages are loaded this far before the beginning. */
const LOAD_AHEAD_PX = 800;

const MAX_ANCHORS = 5;

interface Anchor {
  element: Element;
  /** Pixels below the upper edge of the list. */
  top: number;
}

/**
 * Keeps what the reader sees in its place. Heights above the reader change when older messages are added, and when the
 * browser lays out messages that it has skipped before.
 */
export class ScrollKeeper {
  readonly #scroller: HTMLElement;
  readonly #observer: ResizeObserver;
  /** The first messages on the screen, and where their tops are. The first one can be removed. */
  #anchors: Anchor[] = [];
  /** Where this keeper has scrolled to. Its own scrolling does not choose other anchors. */
  #restoredTop = Number.NaN;
  #isAtEnd = true;

  /** @param content what is inside the scroller */
  constructor(scroller: HTMLElement, content: HTMLElement) {
    this.#scroller = scroller;
    this.#observer = new ResizeObserver(() => this.restore());
    this.#observer.observe(content);
    this.#observer.observe(scroller);
  }

  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  /** Call this when the reader has scrolled. @returns true if older messages should be loaded */
  note(): boolean {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    this.#isAtEnd = scrollHeight - scrollTop - clientHeight < END_PX;
    if (!(Math.abs(scrollTop - this.#restoredTop) < 1)) {
      this.#restoredTop = Number.NaN;
      this.#anchors = this.#findAnchors();
    }
    return scrollTop < LOAD_AHEAD_PX;
  }

  /** Call this after messages were added or changed. */
  restore(): void {
    if (this.#isAtEnd) {
      this.#scroller.scrollTop = this.#scroller.scrollHeight;
      return;
    }
    const anchor = this.#anchors.find(({ element }) => element.isConnected);
    if (!anchor) {
      this.#anchors = this.#findAnchors();
      return;
    }
    const moved = anchor.element.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top - anchor.top;
    if (Math.abs(moved) <= 0.5) return;
    this.#scroller.scrollTop += moved;
    this.#restoredTop = this.#scroller.scrollTop;
  }

  toEnd(): void {
    this.#isAtEnd = true;
    this.restore();
  }

  close(): void {
    this.#observer.disconnect();
  }

  #findAnchors(): Anchor[] {
    const edge = this.#scroller.getBoundingClientRect().top;
    const isBelow = (element: Element) => element.getBoundingClientRect().bottom > edge;
    // The rows of a chunk that the browser skips have no true place.
    const isLaidOut = (element: Element) => element.checkVisibility({ contentVisibilityAuto: true });
    const chunk = [...this.#scroller.querySelectorAll('.message-chunk')].find(isBelow);
    const rows = [...(chunk?.querySelectorAll('[data-ref]') ?? [])].filter((row) => isBelow(row) && isLaidOut(row));
    return rows.slice(0, MAX_ANCHORS).map((element) => ({ element, top: element.getBoundingClientRect().top - edge }));
  }
}
