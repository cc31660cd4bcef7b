// A request without an answer: what stands in its way, in a page (whose place is passed) and in Node.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TmcaError } from '../../errors/index.js';
import { fetchSource } from '../../formats/safetensors/index.js';
import { unreached } from '../../formats/safetensors/unreached.js';

const thrown = new TmcaError(
  'DOWNLOAD_FAILED',
  'fetchSource: …: the connection must last, got Failed to fetch; try again',
  {
    retryable: true,
    cause: new TypeError('Failed to fetch'),
  },
);
const page = { protocol: 'http:', origin: 'http://page.example', href: 'http://page.example/a/' };

let server: ReturnType<typeof createServer>;
let other: string;
beforeAll(async () => {
  server = createServer((_, response) => response.end());
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  other = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

describe('in a page', () => {
  test('another server that answers, but not to this page: CORS, by the name of its header', async () => {
    expect(await unreached(`${other}/m/config.json`, 'config.json', thrown, page)).toMatchObject({
      code: 'DOWNLOAD_FAILED',
      retryable: false,
      message: `fetchSource: config.json: ${other} must allow pages of http://page.example to read the file (CORS), got an answer without that; let it send Access-Control-Allow-Origin: http://page.example`,
    });
  });

  test('another server that does not answer: the network, or the policy', async () => {
    expect(await unreached('http://127.0.0.1:1/config.json', 'config.json', thrown, page)).toMatchObject({
      code: 'DOWNLOAD_FAILED',
      retryable: true,
      message: expect.stringMatching(/must answer, got no answer; try again, .*connect-src/),
    });
  });

  test('a page over https that asks over http', async () => {
    const secure = { protocol: 'https:', origin: 'https://page.example', href: 'https://page.example/' };
    expect(await unreached('http://models.example/config.json', 'config.json', thrown, secure)).toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(/must fetch over https, got http:; serve the folder over https/),
    });
  });

  test('its own server: the network, or the policy', async () => {
    expect(await unreached('/models/config.json', 'config.json', thrown, page)).toMatchObject({
      code: 'DOWNLOAD_FAILED',
      retryable: true,
      message: expect.stringMatching(/http:\/\/page\.example must answer, got no answer; try again, .*connect-src/),
    });
  });

  test('a file', async () => {
    expect(await unreached('file:///models/config.json', 'config.json', thrown, page)).toMatchObject({
      code: 'BAD_ARGUMENT',
      message: expect.stringMatching(/can be fetched, got file:; serve the page and the folder with a web server/),
    });
  });
});

describe('in Node', () => {
  test.each(['/models/nano/config.json', 'models/nano/config.json'])('a relative address: %s', async address => {
    await expect(fetchSource(address)).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: expect.stringMatching(/must be whole where there is no page.*; begin it with http:\/\/ or https:\/\//),
    });
  });

  test('a file: address, which fetch does not take', async () => {
    await expect(fetchSource('file:///models/config.json')).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: expect.stringMatching(/can be fetched, got file:; begin it with http/),
    });
  });
});
