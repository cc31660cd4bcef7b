// Model files are fetched once: kept by hash, resumed after a cut, whole or not at all.

import { describe, expect, test } from 'vitest';
import { type Files, files, sha256, toBytes, weights, withManifest } from './model-folder-files.js';
import { ADDRESS, again, cutAfter, load, newTab, WEIGHTS, without } from './store-fakes.js';

const data = weights.subarray(weights.length - (128 + 16) * 4);

describe('a second loading', () => {
  test('fetches the manifest`s facts alone, and no byte of what it lists', async () => {
    const tab = newTab(withManifest(files()));
    const first = await load(tab);
    expect(first.store).toEqual({ place: 'OPFS', by: 'sha256', downloaded: tab.server.sent(), kept: 0, note: null });
    const second = await load(again(tab));
    expect(tab.server.asked.map(({ method, file }) => `${method} ${file}`)).toEqual(['HEAD manifest.json']);
    expect(second.store).toMatchObject({ downloaded: 0, kept: first.store.downloaded, note: null });
    expect(second.weights).toEqual(new Uint8Array(data));
    expect(second.hash).toBe(sha256(weights));
    expect(second.integrity).toBe('checked');
  });

  test('without a manifest asks for the facts of each file, and says so', async () => {
    const tab = newTab(files());
    expect((await load(tab)).store.by).toBe('address');
    const { store } = await load(again(tab));
    expect(tab.server.asked.map(({ method, file }) => `${method} ${file}`)).toEqual([
      'GET manifest.json',
      'HEAD config.json',
      'HEAD vocab.txt',
      `HEAD ${WEIGHTS}`,
    ]);
    expect(store).toMatchObject({ by: 'address', downloaded: 0 });
  });

  test.each(['weak', 'date'] as const)('recognises a file by a %s tag', async tags => {
    const tab = newTab(files());
    tab.server.tags = tags;
    await load(tab);
    expect((await load(again(tab))).store.downloaded).toBe(0);
  });

  test('fetches again where nothing but the length is said: a model that was trained again has it too', async () => {
    const tab = newTab(files());
    tab.server.tags = 'none';
    await load(tab);
    const trained = weights.slice();
    trained[trained.length - 3]! ^= 1;
    tab.server.files = { ...files(), [WEIGHTS]: trained };
    expect((await load(again(tab))).hash).toBe(sha256(trained));
  });

  test('fetches again where a server does not answer HEAD', async () => {
    const tab = newTab(files());
    tab.server.heads = false;
    await load(tab);
    expect((await load(again(tab))).store.downloaded).toBe(
      Object.values(files()).reduce((sum, content) => sum + toBytes(content).length, 0),
    );
  });

  test('takes a model that has changed, and lets go of what it was', async () => {
    const tab = newTab(withManifest(files()));
    await load(tab);
    const before = tab.shelf.bytes;
    const trained = weights.slice();
    trained[trained.length - 3]! ^= 1;
    tab.server.files = withManifest({ ...files(), [WEIGHTS]: trained });
    expect((await load(again(tab))).hash).toBe(sha256(trained));
    expect(tab.server.sent('config.json')).toBe(0);
    expect(tab.server.sent(WEIGHTS)).toBe(weights.length);
    expect(tab.shelf.bytes).toBe(before);
  });

  test('of the same files at another address fetches its manifest', async () => {
    const tab = newTab(withManifest(files()));
    await load(tab);
    await load(again(tab), { address: 'https://example.org/mirror?v=2' });
    expect(tab.server.asked.filter(({ bytes }) => bytes > 0).map(({ file }) => file)).toEqual(['manifest.json']);
  });

  test('at an address that is signed anew each time fetches the manifest, and remembers a few of the addresses', async () => {
    const tab = newTab(withManifest(files()));
    const signed = (i: number) => load(again(tab), { address: `${ADDRESS}?signature=${i}` });
    await signed(0);
    for (let i = 1; i < 12; i++) {
      await signed(i);
      expect(tab.server.asked.filter(({ bytes }) => bytes > 0).map(({ file }) => file)).toEqual(['manifest.json']);
    }
    expect(tab.shelf.named('model-').length).toBeLessThan(10);
    const trained = weights.slice();
    trained[trained.length - 3]! ^= 1;
    tab.server.files = withManifest({ ...files(), [WEIGHTS]: trained });
    for (let i = 12; i < 24; i++) await signed(i);
    expect(tab.shelf.entries.has(`blob-${sha256(trained)}`)).toBe(true);
    expect(tab.shelf.entries.has(`blob-${sha256(weights)}`)).toBe(false);
  });

  test('a part that one address began is finished by another, and left behind by neither', async () => {
    const tab = await cutAfter(newTab(withManifest(files())), 300);
    await load(tab, { address: 'https://example.org/mirror' });
    expect(tab.server.sent(WEIGHTS)).toBe(weights.length - 300);
    expect(tab.shelf.named('part-')).toEqual([]);
  });

  test('weights that are read twice come from what was kept', async () => {
    const tab = newTab(withManifest(files()));
    await load(tab, { twice: true });
    expect(tab.server.sent(WEIGHTS)).toBe(weights.length);
  });
});

describe('without a network', () => {
  test.each<[string, Files]>([
    ['with a manifest', withManifest(files())],
    ['without one', files()],
    ['of images alone', without('vocab.txt')],
  ])('a model that was loaded once opens, %s', async (_, contents) => {
    const tab = newTab(contents);
    if (contents['vocab.txt'] === undefined)
      tab.server.files = { ...contents, 'config.json': JSON.stringify({ image_size: 64, vocab_size: 4, name: 'x' }) };
    await load(tab);
    tab.server.isAway = true;
    const { weights: read, store } = await load(again(tab));
    expect(read).toEqual(new Uint8Array(data));
    expect(store.downloaded).toBe(0);
  });

  test('one that was not is not there', async () => {
    const tab = newTab(withManifest(files()));
    await load(tab);
    tab.server.isAway = true;
    await expect(load(tab, { address: 'https://example.org/models/other' })).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      retryable: true,
    });
  });

  test('a file that the server has removed is not taken from what was kept', async () => {
    const tab = newTab(files());
    await load(tab);
    tab.server.files = without('config.json');
    await expect(load(tab)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });
});

describe('a cut', () => {
  // pieces have 128 bytes here, chunks 50
  test.each([0, 1, 49, 50, 127, 128, 129, 256, 400, weights.length - 1])(
    'after %d bytes: the next loading goes on there',
    async bytes => {
      const tab = await cutAfter(newTab(withManifest(files())), bytes);
      const { hash, store } = await load(tab);
      expect(hash).toBe(sha256(weights));
      expect(tab.server.sent(WEIGHTS)).toBe(weights.length - bytes);
      expect(store.note).toBeNull();
      if (bytes > 0) expect(tab.server.asked.at(-1)!.range).toBe(`bytes=${bytes}-`);
      expect(tab.shelf.named('part-')).toEqual([]);
      expect((await load(again(tab))).store.downloaded).toBe(0);
    },
  );

  test('without a manifest goes on where the server proves that the file is the same', async () => {
    const tab = await cutAfter(newTab(files()), 300);
    expect((await load(tab)).hash).toBe(sha256(weights));
    expect(tab.server.sent(WEIGHTS)).toBe(weights.length - 300);
  });

  test('and a file that has changed since begins anew', async () => {
    const tab = await cutAfter(newTab(files()), 300);
    const trained = weights.slice();
    trained[trained.length - 3]! ^= 1;
    tab.server.files = { ...files(), [WEIGHTS]: trained };
    expect((await load(tab)).hash).toBe(sha256(trained));
    expect(tab.server.sent(WEIGHTS)).toBe(weights.length);
  });

  test.each(['ignored', 'refused'] as const)('where ranges are %s, begins anew', async ranges => {
    const tab = await cutAfter(newTab(withManifest(files())), 300);
    tab.server.ranges = ranges;
    expect((await load(tab)).hash).toBe(sha256(weights));
    expect(tab.server.sent(WEIGHTS)).toBe(weights.length);
    expect(tab.shelf.bytes).toBe(Object.values(withManifest(files())).reduce((sum, c) => sum + toBytes(c).length, 0));
  });

  test('within a loading is mended at once, also by a server that knows no ranges', async () => {
    for (const ranges of ['given', 'ignored'] as const) {
      const tab = newTab(withManifest(files()));
      tab.server.ranges = ranges;
      tab.server.cuts = [333];
      expect((await load(tab, { resumes: 1 })).hash).toBe(sha256(weights));
      expect(tab.shelf.named('part-')).toEqual([]);
    }
  });

  test('and another, and another', async () => {
    const tab = newTab(withManifest(files()));
    for (let i = 0; i < 4; i++) await cutAfter(tab, 100);
    expect((await load(tab)).hash).toBe(sha256(weights));
    expect(tab.server.sent(WEIGHTS)).toBe(weights.length - 400);
  });

  test('in a model that changes before it is complete leaves nothing behind', async () => {
    const tab = await cutAfter(newTab(withManifest(files())), 300);
    const trained = weights.slice();
    trained[trained.length - 3]! ^= 1;
    const now = withManifest({ ...files(), [WEIGHTS]: trained });
    tab.server.files = now;
    expect((await load(tab)).hash).toBe(sha256(trained));
    expect(tab.shelf.bytes).toBe(Object.values(now).reduce((sum, content) => sum + toBytes(content).length, 0));
  });
});
