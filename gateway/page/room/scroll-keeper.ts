/** A reader who is this near the end follows new messages. */
const END_PX = 48;
/** Older messages are loaded this far before the beginning. */
const LOAD_AHEAD_PX = 800;

/**
 * Keeps what the reader sees in its place. Heights above the reader change when older messages are added, and when the
 * browser lays out messages that it has skipped before.
 */
export class ScrollKeeper {
  readonly #scroller: HTMLElement;
  readonly #observer: ResizeObserver;
  /** The first message on the screen, and where its top is. */
  #anchor: { element: Element; top: number } | undefined;
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
    this.#anchor = this.#findAnchor();
    return scrollTop < LOAD_AHEAD_PX;
  }

  /** Call this after messages were added or changed. */
  restore(): void {
    const { element, top } = this.#anchor ?? {};
    if (this.#isAtEnd || !element?.isConnected || top === undefined) {
      if (this.#isAtEnd) this.#scroller.scrollTop = this.#scroller.scrollHeight;
      return;
    }
    const moved = element.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top - top;
    if (Math.abs(moved) > 0.5) this.#scroller.scrollTop += moved;
  }

  toEnd(): void {
    this.#isAtEnd = true;
    this.restore();
  }

  close(): void {
    this.#observer.disconnect();
  }

  #findAnchor(): { element: Element; top: number } | undefined {
    const edge = this.#scroller.getBoundingClientRect().top;
    const isBelow = (element: Element) => element.getBoundingClientRect().bottom > edge;
    const chunk = [...this.#scroller.querySelectorAll('.message-chunk')].find(isBelow);
    const element = chunk && [...chunk.querySelectorAll('[data-ref]')].find(isBelow);
    return element && { element, top: element.getBoundingClientRect().top - edge };
  }
}
