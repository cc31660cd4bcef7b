// What every command is given.

import type { Console } from './console.js';
import type { Engine } from './engine.js';
import type { Io } from './io.js';

export interface Context {
  readonly io: Io;
  readonly console: Console;
  readonly engine: Engine;
}
