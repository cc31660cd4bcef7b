// What the user has chosen for the page as a whole: the theme and whether single keys are shortcuts. Kept for the next visit.

import { element } from './dom.js';

const read = (key: string) => {
  try {
    return localStorage.getItem(`tmca-edge ${key}`);
  } catch {
    return null; // storage can be forbidden
  }
};

function keep(key: string, value: string): void {
  try {
    localStorage.setItem(`tmca-edge ${key}`, value);
  } catch {
    // The choice then lasts as long as the page.
  }
}

function applyTheme(theme: string): void {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

/** Reads the choices, shows them, and follows them. */
export function listenToSettings(): void {
  const theme = element<HTMLSelectElement>('theme');
  theme.value = read('theme') ?? '';
  applyTheme(theme.value);
  theme.addEventListener('change', () => {
    applyTheme(theme.value);
    keep('theme', theme.value);
  });
  const shortcuts = element<HTMLInputElement>('shortcuts');
  shortcuts.checked = read('shortcuts') !== 'off';
  shortcuts.addEventListener('change', () => keep('shortcuts', shortcuts.checked ? 'on' : 'off'));
  const menu = element<HTMLDetailsElement>('settings');
  document.addEventListener('click', event => {
    if (menu.open && !menu.contains(event.target as Node)) menu.open = false;
  });
  menu.addEventListener('keydown', event => {
    if (event.key !== 'Escape') return;
    menu.open = false;
    menu.querySelector('summary')?.focus();
  });
}

/** Calls `act` for a single key, unless shortcuts are off, someone writes or chooses, or a key is held with it. */
export function onKey(isActive: () => boolean, keys: Readonly<Record<string, () => void>>): void {
  document.addEventListener('keydown', ({ key, target, ctrlKey, metaKey, altKey }) => {
    const act = Object.hasOwn(keys, key) ? keys[key] : undefined;
    if (!act || ctrlKey || metaKey || altKey || !isActive()) return;
    if (!element<HTMLInputElement>('shortcuts').checked) return;
    if (
      target instanceof Element &&
      target.matches('textarea, select, input:not([type="range"], [type="radio"], [type="checkbox"])')
    )
      return;
    act();
  });
}
