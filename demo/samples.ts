// The sample images: a row of thumbnails. A page without samples shows none.

export interface Sample {
  readonly file: string;
  readonly text: string;
  readonly attribution: string;
}

/** Lists the samples of a folder; none where there is no list. */
async function listSamples(folder: string): Promise<Sample[]> {
  const response = await fetch(`${folder}/samples.json`).catch(() => undefined);
  return response?.ok ? ((await response.json()) as Sample[]) : [];
}

/** Fills `list` with a button for each sample. `onPick` gets the image's file; errors of fetching it go to `onError`. */
export async function showSamples(
  list: HTMLElement,
  folder: string,
  onPick: (file: Blob, sample: Sample) => void,
  onError: (error: unknown) => void,
): Promise<void> {
  const samples = await listSamples(folder);
  for (const sample of samples) {
    const image = Object.assign(new Image(), {
      src: `${folder}/${sample.file}`,
      alt: sample.text,
      loading: 'lazy' as const,
    });
    const button = Object.assign(document.createElement('button'), { type: 'button', title: sample.text });
    button.append(image);
    button.addEventListener('click', async () => {
      try {
        const response = await fetch(image.src);
        if (!response.ok) throw new Error(`${sample.file}: the server answered ${response.status}`);
        onPick(await response.blob(), sample);
      } catch (error) {
        onError(error);
      }
    });
    const item = document.createElement('li');
    item.append(button);
    list.append(item);
  }
  list.hidden = samples.length === 0;
}
