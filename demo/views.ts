// The views of the page, one at a time: the address says which, so that Back works and a view can be linked to.

import { element } from './dom.js';

const views = () => [...document.querySelectorAll<HTMLElement>('main.view')].map(({ id }) => id);

export function currentView(): string {
  const asked = location.hash.slice(1);
  const known = views();
  return known.includes(asked) ? asked : known[0]!;
}

/** Follows the address. `onShow` is told of each view when it comes up, `onLeave` when it goes. */
export function listenToViews(handlers: Readonly<Record<string, { onShow?(): void; onLeave?(): void }>> = {}): void {
  let shown: string | undefined;
  const follow = () => {
    const current = currentView();
    if (current === shown) return;
    if (shown) handlers[shown]?.onLeave?.();
    shown = current;
    for (const view of views()) element(view).hidden = view !== current;
    for (const link of element('views').querySelectorAll('a')) {
      if (link.hash === `#${current}`) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    handlers[current]?.onShow?.();
  };
  addEventListener('hashchange', follow);
  follow();
}
