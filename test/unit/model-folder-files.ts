// A small model folder made in code, in memory or behind a web server that can misbehave.

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FolderIo } from '../../formats/model-folder/index.js';
import { encodeSafetensors, memorySource, tensorOf } from '../../formats/safetensors/index.js';
import { nodeIo } from '../../node/model-folder/folder.js';

export type Files = Record<string, string | Uint8Array>;

export const toBytes = (content: string | Uint8Array): Uint8Array =>
  typeof content === 'string' ? new TextEncoder().encode(content) : content;

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export const weights = encodeSafetensors([
  tensorOf(
    'a.weight',
    [16, 8],
    Float32Array.from({ length: 128 }, (_, i) => i / 7),
  ),
  tensorOf('a.bias', [16], new Float32Array(16)),
]);

/** config.json, vocab.txt and model.safetensors that belong together; no manifest. */
export const files = (): Files => ({
  'config.json': JSON.stringify({ image_size: 64, vocab_size: 4, name: 'four-words', comment: 'kept' }),
  'vocab.txt': '[PAD]\n[CLS]\n[SEP]\n[UNK]\n',
  'model.safetensors': weights,
});

export function manifestOf(contents: Files): string {
  const entries = Object.entries(contents).map(([name, content]): [string, object] => {
    const bytes = toBytes(content);
    return [name, { bytes: bytes.length, sha256: sha256(bytes) }];
  });
  return JSON.stringify({ files: Object.fromEntries(entries), package: 'tmca-edge' });
}

export const withManifest = (contents: Files): Files => ({ ...contents, 'manifest.json': manifestOf(contents) });

/** A folder in memory, with Node's hash. */
export const memoryIo = (contents: Files): FolderIo => ({
  sha256: nodeIo.sha256,
  folder: location => ({
    open: async name =>
      Object.hasOwn(contents, name) ? memorySource(toBytes(contents[name]!), `${location}/${name}`) : null,
  }),
});

export interface Server {
  /** http://127.0.0.1:PORT */
  readonly address: string;
  /** Paths in the order they were asked for. */
  readonly requests: IncomingMessage[];
  close(): Promise<void>;
}

export async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Serves `contents` as files. */
export function serveFiles(contents: Files): Promise<Server> {
  return serve((request, response) => {
    const name = request.url!.replace(/\?.*$/, '').split('/').pop()!;
    if (!Object.hasOwn(contents, name)) return void response.writeHead(404).end();
    const bytes = toBytes(contents[name]!);
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
  });
}
