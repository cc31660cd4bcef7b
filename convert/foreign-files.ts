// Files that are no safetensors, recognised by their content, else by their name: what they are and how to convert them.

import { basename, dirname, join } from 'node:path';
import { TmcaError } from '../errors/index.js';
import type { ByteSource } from '../formats/safetensors/index.js';

interface Format {
  readonly is: (head: Uint8Array, text: string) => boolean;
  /** Names of such files, for those whose content is not telling. */
  readonly ending?: RegExp;
  readonly name: string;
  readonly advice: (path: string) => string;
}

/** What a file is that is no safetensors file, and what to do about it. */
export interface ForeignFile {
  readonly name: string;
  readonly advice: string;
}

const starts = (head: Uint8Array, ...bytes: number[]) => bytes.every((byte, i) => head[i] === byte);
const never = () => false;

const TORCH_ENDING = /\.(bin|pth?|ckpt|pkl)$/i;

/** As a shell takes it for one word. */
const quoted = (path: string): string => {
  if (/^[\w@%+=:,./-]+$/.test(path)) return path;
  return process.platform === 'win32' ? `"${path}"` : `'${path.replaceAll("'", `'\\''`)}'`;
};

/** All parts of a checkpoint in parts (`…-00001-of-00003.bin`), in order; else the path itself. */
function shardsOf(path: string): string[] {
  const [, start, number, of, count, end] = /^(.*-)(\d+)(-of-)(\d+)(\.\w+)$/s.exec(path) ?? [];
  if (count === undefined) return [path];
  return Array.from(
    { length: Math.min(Number(count), 999) },
    (_, i) => `${start}${String(i + 1).padStart(number!.length, '0')}${of}${count}${end}`,
  );
}

/** The line that converts files of PyTorch into one. `weights_only`: unpickling runs code, and a checkpoint from elsewhere must not. */
export function convertTorch(files: readonly string[], out: string): string {
  const load = "torch.load(p, map_location='cpu', weights_only=True)";
  return (
    'convert it where PyTorch is: python3 -c ' +
    `"import torch, safetensors.torch as s, sys; o, *f = sys.argv[1:]; c = [${load} for p in f]; ` +
    "c = [d.get('state_dict', d.get('model', d)) for d in c]; " +
    's.save_file({k: v.clone().contiguous() for d in c for k, v in d.items() if torch.is_tensor(v)}, o)" ' +
    [out, ...files].map(quoted).join(' ')
  );
}

/** Beside the file; Hugging Face's own names become Hugging Face's name, which a folder is looked through for. */
function convertTorchFile(path: string): string {
  const plain = path.replace(TORCH_ENDING, '').replace(/-\d+-of-\d+$/, '');
  const out = basename(plain) === 'pytorch_model' ? join(dirname(path), 'model') : plain;
  return convertTorch(shardsOf(path), `${out}.safetensors`);
}

const convertElsewhere = () => 'load it where it comes from and save it as safetensors';

// The order matters: an archive of PyTorch is a zip, and a zip need not be PyTorch's.
const FORMATS: readonly Format[] = [
  {
    is: (head, text) => starts(head, 0x50, 0x4b, 3, 4) && /(^|\/)data\.pkl|\.data\/|archive\//.test(text),
    name: 'a PyTorch checkpoint (zip)',
    advice: convertTorchFile,
  },
  { is: head => starts(head, 0x50, 0x4b, 3, 4), name: 'a zip archive', advice: convertElsewhere },
  {
    // protocols 2 to 5: PROTO opcode, version
    is: head => head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5,
    name: 'a PyTorch checkpoint (pickle)',
    advice: convertTorchFile,
  },
  { is: (_, text) => text.startsWith('GGUF'), ending: /\.gguf$/i, name: 'GGUF', advice: convertElsewhere },
  {
    is: head => starts(head, 0x89, 0x48, 0x44, 0x46),
    ending: /\.(h5|hdf5|keras)$/i,
    name: 'HDF5 (Keras)',
    advice: convertElsewhere,
  },
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
  {
    // a map whose first key is a string
    is: head =>
      (head[0]! >> 4 === 8 || head[0] === 0xde) &&
      /[\xa1-\xbf\xd9]/.test(String.fromCharCode(head[head[0] === 0xde ? 3 : 1]!)),
    ending: /\.msgpack$/i,
    name: 'MessagePack (Flax)',
    advice: convertElsewhere,
  },
  {
    is: (_, text) => text.startsWith('TFL3', 4),
    ending: /\.tflite$/i,
    name: 'TensorFlow Lite',
    advice: convertElsewhere,
  },
  {
    // ir_version, then the name of the producer
    is: head => head[0] === 8 && head[1]! < 32 && head[2] === 0x12,
    ending: /\.onnx(_data|\.data)?$/i,
    name: 'ONNX',
    advice: convertElsewhere,
  },
  {
    is: never,
    ending: /\.(pb|meta|index|data-\d+-of-\d+)$/i,
    name: 'a TensorFlow checkpoint',
    advice: convertElsewhere,
  },
  { is: never, ending: TORCH_ENDING, name: 'a PyTorch checkpoint (by its name)', advice: convertTorchFile },
];

/** Enough for the first entry's name in a zip archive. */
const HEAD_BYTES = 256;

/** What else a file is; null for safetensors, and for what is nothing that is known. */
export async function foreignFile(source: ByteSource, signal?: AbortSignal): Promise<ForeignFile | null> {
  const head = await source.read!(0, Math.min(HEAD_BYTES, source.size!), signal);
  // A length, then the header's brace: whatever the length's bytes look like, this is what it should be.
  if (head[8] === 0x7b) return null;
  const text = new TextDecoder('latin1').decode(head);
  const format = FORMATS.find(({ is }) => is(head, text)) ?? FORMATS.find(({ ending }) => ending?.test(source.name));
  return format ? { name: format.name, advice: format.advice(source.name) } : null;
}

/** @throws TmcaError UNSUPPORTED, with what the file is and how it becomes a safetensors file */
export async function refuseForeignFile(source: ByteSource, signal?: AbortSignal): Promise<void> {
  const foreign = await foreignFile(source, signal);
  if (!foreign) return;
  throw new TmcaError(
    'UNSUPPORTED',
    `import: ${source.name} must be a safetensors file, got ${foreign.name}; ${foreign.advice}`,
  );
}

/** What trainers write beside a model's weights. */
const NO_MODEL = /^(training_args|optimizer|scheduler|scaler|rng_state|random_states)/;

/** The file among a folder's names that holds the weights in another format, what converts first; undefined where there is none. */
export function foreignWeights(names: readonly string[]): string | undefined {
  const files = names.filter(name => !NO_MODEL.test(name)).sort();
  const torch = files.filter(name => TORCH_ENDING.test(name));
  const known = files.filter(name => FORMATS.some(({ ending }) => ending?.test(name)));
  return torch.find(name => name.startsWith('pytorch_model')) ?? torch[0] ?? known[0];
}
