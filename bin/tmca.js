#!/usr/bin/env node
// The command as npm installs it: the built code, and a word where it was not built.

import { existsSync } from 'node:fs';

const built = new URL('../dist/cli.js', import.meta.url);
if (existsSync(built)) {
  const { main } = await import(built.href);
  await main();
} else {
  console.error('error [INTERNAL]: tmca: dist/cli.js must exist, got none; run `npm run build` first');
  process.exitCode = 1;
}
