// The trained model as a folder, and that folder as one file.

/** Files of a model folder by name. */
export type ModelFolder = Readonly<Record<string, Uint8Array>>;

const encoder = new TextEncoder();
const jsonBytes = (value: unknown) => encoder.encode(`${JSON.stringify(value, null, 2)}\n`);

async function fetched(address: string): Promise<Uint8Array> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address} must be there, got ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), byte => byte.toString(16).padStart(2, '0')).join('');
}

/** A model folder with other weights: a name of its own, a manifest, and a card that says what it is. */
export async function trainedFolder(model: string, weights: Uint8Array, card: string): Promise<ModelFolder> {
  const config = JSON.parse(new TextDecoder().decode(await fetched(`${model}/config.json`))) as Record<string, unknown>;
  const files: Record<string, Uint8Array> = {
    'config.json': jsonBytes({ ...config, name: `${config.name ?? 'model'}-tuned`, dtype: 'fp32' }),
    'model.safetensors': weights,
    'vocab.txt': await fetched(`${model}/vocab.txt`),
    'README.md': encoder.encode(card),
  };
  const entries = await Promise.all(
    Object.entries(files).map(async ([name, bytes]) => [name, { bytes: bytes.length, sha256: await sha256(bytes) }]),
  );
  return {
    ...files,
    'manifest.json': jsonBytes({ files: Object.fromEntries(entries), created: new Date().toISOString() }),
  };
}

/** Stored, not compressed: weights do not shrink. */
export async function zipped(files: ModelFolder, name: string): Promise<Blob> {
  const { zipSync } = await import('fflate');
  const bytes = zipSync({ [name]: { ...files } }, { level: 0 });
  return new Blob([bytes as Uint8Array<ArrayBuffer>], { type: 'application/zip' });
}
