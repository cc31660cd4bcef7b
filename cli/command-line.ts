// A command as it would be typed, for what is written beside results.

import { quoted } from '../train/run/run-json.js';

/** `tmca NAME` with its options, flags by their presence; values are quoted where a shell would split or expand them. */
export function commandLine(name: string, options: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(options).flatMap(([key, value]) => {
    const flag = `--${key.replace(/[A-Z]/g, c => `-${c.toLowerCase()}`)}`;
    if (value === undefined || value === false) return [];
    if (value === true) return [flag];
    return [flag, ...(Array.isArray(value) ? value : [value]).map(word => quoted(String(word)))];
  });
  return ['tmca', name, ...parts].join(' ');
}
