// Downloads from a server on this machine that cuts, lies, stalls and serves pages in place of files.

import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { openModelFolder, webIo } from '../../formats/model-folder/index.js';
import {
  displayUrl,
  type FetchOptions,
  fetchSource,
  openSafetensors,
  readAll,
} from '../../formats/safetensors/index.js';
import type { Progress } from '../../runtime/types.js';
import { files, type Server, serve, serveFiles, sha256, toBytes, weights, withManifest } from './model-folder-files.js';
import { failure } from './raw-safetensors.js';

let server: Server | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const body = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 13) & 255);

async function download(url: string, options: FetchOptions = {}): Promise<Uint8Array> {
  const source = await fetchSource(url, options);
  if (!source) throw new Error('not found');
  return readAll(source);
}

/** Sends `length` of the body's bytes from `from`, then drops the connection. */
function cut(response: ServerResponse, length: number, from = 0): void {
  response.flushHeaders();
  response.write(body.subarray(from, from + length), () => setTimeout(() => response.destroy(), 5));
}

describe('fetchSource', () => {
  test('streams a file, with progress', async () => {
    server = await serveFiles({ x: body });
    const progress: Progress[] = [];
    const bytes = await download(`${server.address}/x?token=secret#part`, { onProgress: p => progress.push(p) });
    expect(sha256(bytes)).toBe(sha256(body));
    const last = { phase: 'download', file: `${server.address}/x`, loaded: body.length, total: body.length };
    expect(progress.at(-1)).toEqual(last);
    expect(progress.map(p => p.loaded)).toEqual(progress.map(p => p.loaded).sort((a, b) => a - b));
    expect(server.requests[0]!.headers.accept).not.toMatch(/html|\*/);
  });

  test('streams twice, asking twice', async () => {
    server = await serveFiles({ x: body });
    const source = (await fetchSource(`${server.address}/x`))!;
    expect(sha256(await readAll(source))).toBe(sha256(body));
    expect(sha256(await readAll(source))).toBe(sha256(body));
    expect(server.requests.length).toBe(2);
    await source.close();
  });

  test('a compressed body has no announced length', async () => {
    const { gzipSync } = await import('node:zlib');
    const packed = gzipSync(body);
    server = await serve((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': packed.length }).end(packed);
    });
    const source = (await fetchSource(`${server.address}/x`))!;
    expect(source.size).toBeUndefined();
    expect(sha256(await readAll(source))).toBe(sha256(body));
  });

  test.each([404, 410])('HTTP %d is no file', async status => {
    server = await serve((_, response) => void response.writeHead(status).end('gone'));
    expect(await fetchSource(`${server.address}/x`)).toBeNull();
  });

  test.each([
    [400, false],
    [401, false],
    [403, false],
    [204, false],
    [408, true],
    [429, true],
    [500, true],
    [503, true],
  ])('HTTP %d, retryable %s', async (status, retryable) => {
    server = await serve((_, response) => void response.writeHead(status).end());
    const error = await failure('DOWNLOAD_FAILED', () => download(`${server!.address}/x?token=secret`));
    expect(error.message).toBe(
      `fetchSource: ${server.address}/x: the server must answer 200, got HTTP ${status}; ${retryable ? 'try again' : 'check the address'}`,
    );
    expect(error.retryable).toBe(retryable);
  });

  test.each([0, 1, 50, 99.9])('a connection cut at %d %%', async percent => {
    server = await serve((_, response) => {
      response.writeHead(200, { 'content-length': body.length });
      cut(response, Math.floor((body.length * percent) / 100));
    });
    const error = await failure('DOWNLOAD_FAILED', () => download(`${server!.address}/x`));
    expect(error.message).toContain('the connection must last');
    expect(error.retryable).toBe(true);
    // without a validator there is nothing to resume from
    expect(server.requests.length).toBe(1);
  });

  test.each([0, 1, 50, 99.9])('a chunked body cut at %d %%', async percent => {
    server = await serve((_, response) => cut(response.writeHead(200), Math.floor((body.length * percent) / 100)));
    const error = await failure('DOWNLOAD_FAILED', () => download(`${server!.address}/x`));
    expect(error.retryable).toBe(true);
  });

  test.each([
    ['declared', { 'content-type': 'text/html; charset=utf-8' }, '<p>log in</p>'],
    ['undeclared', {}, '\n <!DOCTYPE html><title>start</title>'],
    ['disguised', { 'content-type': 'application/octet-stream' }, '<html lang="en">'],
  ])('a web page in place of the file, %s', async (_, headers, page) => {
    server = await serve((_, response) => void response.writeHead(200, headers).end(page));
    const error = await failure('DOWNLOAD_FAILED', () => download(`${server!.address}/model.safetensors`));
    expect(error.message).toContain('the answer must be the file, got a web page');
    expect(error.retryable).toBe(false);
  });

  test('no server', async () => {
    server = await serve(() => {});
    const { address } = server;
    await server.close();
    const error = await failure('DOWNLOAD_FAILED', () => download(`${address}/x`));
    expect(error.retryable).toBe(true);
    expect(error.cause).toBeInstanceOf(Error);
  });

  test.each(['before the answer', 'in the body'])('silence %s', async when => {
    server = await serve((_, response) => {
      if (when === 'in the body') response.writeHead(200, { 'content-length': body.length }).write('abc');
    });
    const error = await failure('DOWNLOAD_FAILED', () => download(`${server!.address}/x`, { idleMs: 60 }));
    expect(error.message).toContain('the server must send something within 60 ms, got nothing; try again');
    expect(error.retryable).toBe(true);
  });

  test.each(['before', 'at', 'after'])('an abort %s the first bytes', async when => {
    const stop = new AbortController();
    server = await serve((_, response) => {
      response.writeHead(200, { 'content-length': body.length }).flushHeaders();
      if (when === 'at') setTimeout(() => stop.abort(new Error('enough')), 20);
      if (when === 'after') cut(response, 1000);
    });
    if (when === 'before') stop.abort(new Error('enough'));
    const options = { signal: stop.signal, onProgress: () => stop.abort(new Error('enough')) };
    const error = await failure('ABORTED', () => download(`${server!.address}/x`, options));
    expect(error.cause).toEqual(new Error('enough'));
  });

  test.each([
    ['fewer', 10, true],
    ['more', 30, false],
  ])('%s bytes than announced', async (_, sent, retryable) => {
    // Node's own client refuses such a body before it gets here; a browser's cache or a service worker may not
    const lying = async () => new Response(new Uint8Array(sent), { headers: { 'content-length': '20' } });
    const error = await failure('DOWNLOAD_FAILED', () => download('https://example.org/x', { fetch: lying }));
    expect(error.message).toContain('the body must have the announced 20 bytes, got');
    expect(error.retryable).toBe(retryable);
  });

  test('addresses in messages hold no secrets', () => {
    expect(displayUrl('https://user:pass@host/a/b?sig=1#x')).toBe('https://host/a/b');
    expect(displayUrl('models/nano@2?x')).toBe('models/nano@2');
  });
});

describe('taking a broken download up again', () => {
  /** Cuts each answer after 60,000 bytes; `etags` by request. */
  const breaking = (etags: string[]) => {
    let request = 0;
    return serve((asked, response) => {
      const etag = etags[Math.min(request++, etags.length - 1)]!;
      const from = Number(/^bytes=(\d+)-$/.exec(asked.headers.range ?? '')?.[1] ?? 0);
      const same = from > 0 && asked.headers['if-range'] === etag;
      const start = same ? from : 0;
      const range = same ? { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` } : {};
      response.writeHead(same ? 206 : 200, { etag, 'content-length': body.length - start, ...range });
      if (body.length - start <= 60_000) response.end(body.subarray(start));
      else cut(response, 60_000, start);
    });
  };

  test('goes on where it broke, while the file stays the same', async () => {
    server = await breaking(['"one"']);
    expect(sha256(await download(`${server.address}/x`, { resumes: 3 }))).toBe(sha256(body));
    const ranges = server.requests.map(request => request.headers.range);
    expect(ranges).toEqual([undefined, 'bytes=60000-', 'bytes=120000-', 'bytes=180000-'].slice(0, ranges.length));
    expect(ranges.length).toBe(4);
  });

  test('gives up after its number of tries', async () => {
    server = await breaking(['"one"']);
    const error = await failure('DOWNLOAD_FAILED', () => download(`${server!.address}/x`, { resumes: 1 }));
    expect(error.retryable).toBe(true);
    expect(server.requests.length).toBe(2);
  });

  test('a server that is away for a moment', async () => {
    let request = 0;
    server = await serve((_, response) => {
      if (++request === 2) return void response.writeHead(503).end();
      const from = request === 1 ? 0 : 60_000;
      const range = { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` };
      response.writeHead(from ? 206 : 200, { etag: '"one"', 'content-length': body.length - from, ...(from && range) });
      if (from) response.end(body.subarray(from));
      else cut(response, 60_000);
    });
    expect(sha256(await download(`${server.address}/x`))).toBe(sha256(body));
    expect(request).toBe(3);
  });

  test('never joins two versions of a file', async () => {
    server = await breaking(['"one"', '"two"']);
    const error = await failure('DOWNLOAD_FAILED', () => download(`${server!.address}/x`));
    expect(error.message).toContain('the download must go on at byte 60000');
  });

  test('a weak tag proves nothing', async () => {
    server = await breaking(['W/"one"']);
    await failure('DOWNLOAD_FAILED', () => download(`${server!.address}/x`));
    expect(server.requests.length).toBe(1);
  });
});

describe('a model folder on a server', () => {
  const open = (query = '') => openModelFolder(`${server!.address}/models/four${query}`, webIo);
  const readThrough = async () => {
    const folder = await open();
    const names = [];
    for await (const tensor of folder.weights.tensors()) names.push(tensor.name);
    return { folder, names };
  };

  test('opens, keeping a query', async () => {
    server = await serveFiles(withManifest(files()));
    const folder = await open('/?v=1');
    expect(folder.config.name).toBe('four-words');
    for await (const _ of folder.weights.tensors());
    expect(folder.hash()).toBe(sha256(weights));
    expect(server.requests.map(request => request.url)).toEqual(
      ['manifest.json', 'config.json', 'vocab.txt', 'model.safetensors'].map(name => `/models/four/${name}?v=1`),
    );
  });

  test('without manifest and vocabulary', async () => {
    const { 'vocab.txt': _, ...rest } = files();
    server = await serveFiles(rest);
    const { folder, names } = await readThrough();
    expect(names).toEqual(['a.weight', 'a.bias']);
    expect(folder).toMatchObject({ vocab: null, manifest: null });
    expect(folder.hash()).toBe(sha256(weights));
  });

  test('a bit that flipped on the way', async () => {
    const damaged = weights.slice();
    damaged[damaged.length - 1]! ^= 4;
    server = await serveFiles({ ...withManifest(files()), 'model.safetensors': damaged });
    const error = await failure('MANIFEST_MISMATCH', readThrough);
    expect(error.message).toContain('/models/four/model.safetensors: the manifest says SHA-256');
  });

  test('a length that is not the manifest`s, before the body is read', async () => {
    server = await serveFiles({ ...withManifest(files()), 'model.safetensors': weights.subarray(0, 100) });
    const error = await failure('MANIFEST_MISMATCH', open);
    expect(error.message).toContain(`the manifest says ${weights.length} bytes, got 100`);
  });

  test('weights cut in the middle, opened and then read', async () => {
    const contents = files();
    server = await serve((asked, response) => {
      const name = asked.url!.split('/').pop()!;
      if (!Object.hasOwn(contents, name)) return void response.writeHead(404).end();
      const bytes = toBytes(contents[name]!);
      response.writeHead(200, { 'content-length': bytes.length });
      if (name !== 'model.safetensors') return void response.end(bytes);
      response.write(bytes.subarray(0, bytes.length - 70), () => setTimeout(() => response.destroy(), 5));
    });
    const error = await failure('DOWNLOAD_FAILED', readThrough);
    expect(error.retryable).toBe(true);
  });

  test('a start page in place of every missing file', async () => {
    server = await serve((_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'));
    const error = await failure('DOWNLOAD_FAILED', open);
    expect(error.message).toContain('manifest.json: the answer must be the file, got a web page (text/html)');
  });

  test('a folder closed unread lets its connection go', async () => {
    server = await serveFiles(files());
    const folder = await open();
    await folder.close();
    const source = (await fetchSource(`${server.address}/config.json`))!;
    await source.close();
    const file = await openSafetensors((await fetchSource(`${server.address}/model.safetensors`))!);
    await file.close();
    await file.close();
  });
});
