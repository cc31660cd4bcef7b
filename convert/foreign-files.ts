// Files that are no safetensors, recognised by their content: what they are and how to convert them.

import { TmcaError } from '../errors/index.js';
import type { ByteSource } from '../runtime/safetensors/index.js';

interface Format {
  readonly is: (head: Uint8Array, text: string) => boolean;
  readonly name: string;
  readonly advice: (path: string) => string;
}

const starts = (head: Uint8Array, ...bytes: number[]) => bytes.every((byte, i) => head[i] === byte);

/** `weights_only`: unpickling runs code, and a checkpoint from elsewhere must not. */
const convertTorch = (path: string): string => {
  const out = path.replace(/\.(bin|pth?|ckpt|tar|pkl)$/i, '');
  const load = `torch.load('${path}', map_location='cpu', weights_only=True)`;
  return (
    'convert it where PyTorch is: ' +
    `python3 -c "import torch, safetensors.torch as s; d = ${load}; d = d.get('state_dict', d.get('model', d)); ` +
    `s.save_file({k: v.clone().contiguous() for k, v in d.items()}, '${out}.safetensors')"`
  );
};

const convertElsewhere = () => 'load it where it comes from and save it as safetensors';

// The order matters: an archive of PyTorch is a zip, and a zip need not be PyTorch's.
const FORMATS: readonly Format[] = [
  {
    is: (head, text) => starts(head, 0x50, 0x4b, 3, 4) && /(^|\/)data\.pkl|\.data\/|archive\//.test(text),
    name: 'a PyTorch checkpoint (zip)',
    advice: convertTorch,
  },
  { is: head => starts(head, 0x50, 0x4b, 3, 4), name: 'a zip archive', advice: convertElsewhere },
  {
    // protocols 2 to 5: PROTO opcode, version
    is: head => head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5,
    name: 'a PyTorch checkpoint (pickle)',
    advice: convertTorch,
  },
  { is: (_, text) => text.startsWith('GGUF'), name: 'GGUF', advice: convertElsewhere },
  { is: head => starts(head, 0x89, 0x48, 0x44, 0x46), name: 'HDF5 (Keras)', advice: convertElsewhere },
  { is: (_, text) => text.startsWith('\x93NUMPY'), name: 'a NumPy array', advice: convertElsewhere },
  { is: head => starts(head, 0x1f, 0x8b), name: 'gzip', advice: () => 'unpack it first' },
  {
    is: (_, text) => text.startsWith('version https://git-lfs'),
    name: 'a Git LFS pointer, not the file that it points to',
    advice: () => 'fetch the file itself (git lfs pull)',
  },
  {
    is: (_, text) => /^\s*<(!doctype|html|\?xml)/i.test(text),
    name: 'a web page',
    advice: () => 'fetch the file itself: the page links to it',
  },
  {
    is: (_, text) => /^[{[][\s\x20-\x7e]{7}/.test(text),
    name: 'JSON',
    advice: () => 'an index of shards must be named …index.json',
  },
];

/** Enough for the first entry's name in a zip archive. */
const HEAD_BYTES = 256;

/** @throws TmcaError UNSUPPORTED, with what the file is and how it becomes a safetensors file */
export async function refuseForeignFile(source: ByteSource, signal?: AbortSignal): Promise<void> {
  const head = await source.read!(0, Math.min(HEAD_BYTES, source.size!), signal);
  // A length, then the header's brace: whatever the length's bytes look like, this is what it should be.
  if (head[8] === 0x7b) return;
  const text = new TextDecoder('latin1').decode(head);
  const format = FORMATS.find(({ is }) => is(head, text));
  if (!format) return;
  throw new TmcaError(
    'UNSUPPORTED',
    `import: ${source.name} must be a safetensors file, got ${format.name}; ${format.advice(source.name)}`,
  );
}
