// What a user should know of how files were read: one line for each thing, however many files it is true of.

/** The same words for the same thing, so that files can be counted. */
export interface FileNote {
  readonly file: string;
  /** As in "only the first of 3 frames or pages is used". */
  readonly text: string;
}

/**
 * Counts notes, and says each once.
 *
 * @example
 * const tally = new NoteTally('mask');
 * for (const path of paths) tally.add((await readMask(path, shape)).notes);
 * for (const line of tally.lines()) console.warn(line);
 */
export class NoteTally {
  readonly #found = new Map<string, { readonly first: string; count: number }>();

  /** @param thing what the files are: "image" */
  constructor(private readonly thing: string) {}

  add(notes: readonly FileNote[]): void {
    for (const { file, text } of notes) {
      const known = this.#found.get(text);
      if (known) known.count++;
      else this.#found.set(text, { first: file, count: 1 });
    }
  }

  /** In the order in which things were first met: "12 masks, such as masks/a.png: …", or "masks/a.png: …" of one. */
  lines(): readonly string[] {
    return [...this.#found].map(([text, { first, count }]) =>
      count === 1 ? `${first}: ${text}` : `${count} ${this.thing}s, such as ${first}: ${text}`,
    );
  }
}
