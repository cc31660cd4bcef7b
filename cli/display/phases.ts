// A bar for each phase of a piece of work that tells what it is about.

import type { Console, Task } from '../console.js';

/** A bar for each phase of the work, one after another. */
export class Phases {
  readonly #console: Console;
  #name = '';
  #task: Promise<Task> | undefined;

  constructor(console: Console) {
    this.#console = console;
  }

  step(name: string, done: number, total: number): void {
    if (name !== this.#name) {
      this.end();
      this.#name = name;
      this.#task = this.#console.task(name, total);
    }
    void this.#task?.then(task => task.step(done));
  }

  end(): void {
    void this.#task?.then(task => task.end());
    this.#task = undefined;
  }
}
