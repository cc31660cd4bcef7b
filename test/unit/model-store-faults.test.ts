// What is on a browser's disk may be damaged, cut off, full or shared with other pages: a model is kept whole or not at all.

import { describe, expect, test } from 'vitest';
import { addressOf } from '../../formats/model-folder/address.js';
import { modelKey, Records } from '../../runtime/browser/store/records.js';
import type { Progress } from '../../runtime/types.js';
import { files, manifestOf, sha256, toBytes, weights, withManifest } from './model-folder-files.js';
import { ADDRESS, again, cutAfter, load, newTab, type Tab, WEIGHTS, without } from './store-fakes.js';

describe('what is wrong is never kept', () => {
  const broken = () => {
    const damaged = weights.slice();
    damaged[damaged.length - 3]! ^= 1;
    return damaged;
  };

  test('a download of another hash', async () => {
    const tab = newTab({ ...withManifest(files()), [WEIGHTS]: broken() });
    await expect(load(tab)).rejects.toMatchObject({ code: 'MANIFEST_MISMATCH' });
    expect(tab.shelf.entries.has(`blob-${sha256(broken())}`)).toBe(false);
    expect(tab.shelf.named('part-')).toEqual([]);
    tab.server.files = withManifest(files());
    expect((await load(again(tab))).hash).toBe(sha256(weights));
  });

  test('two versions that a range has joined', async () => {
    const tab = await cutAfter(newTab(withManifest(files())), 300);
    // the part on the shelf is of another file than the rest will be
    const { id } = JSON.parse(new TextDecoder().decode(tab.shelf.entries.get(`part-${sha256(weights)}`)!));
    tab.shelf.entries.get(`piece-${id}-1`)![90]! ^= 1;
    expect((await load(tab)).hash).toBe(sha256(weights));
    expect((await load(again(tab))).store).toMatchObject({ downloaded: 0, note: null });
  });

  test.each(['a flipped bit', 'a missing piece', 'a piece cut short', 'an unreadable piece'])(
    '%s on the disk is found, and the file fetched again',
    async fault => {
      const tab = newTab(withManifest(files()));
      await load(tab);
      const { id } = JSON.parse(new TextDecoder().decode(tab.shelf.entries.get(`blob-${sha256(weights)}`)!));
      const piece = `piece-${id}-2`;
      const bytes = tab.shelf.entries.get(piece)!;
      if (fault === 'a flipped bit') bytes[7]! ^= 1;
      if (fault === 'a missing piece') tab.shelf.entries.delete(piece);
      if (fault === 'a piece cut short') tab.shelf.entries.set(piece, bytes.slice(1));
      if (fault === 'an unreadable piece')
        tab.shelf.onGet = name => {
          if (name === piece) throw new DOMException('no', 'NotReadableError');
        };
      expect((await load(again(tab))).hash).toBe(sha256(weights));
      expect((await load(again(tab))).store.downloaded).toBe(0);
    },
  );

  test('without a manifest too: a kept file has the hash it was kept under', async () => {
    const tab = newTab(files());
    await load(tab);
    const { id } = JSON.parse(new TextDecoder().decode(tab.shelf.entries.get(`blob-${sha256(weights)}`)!));
    tab.shelf.entries.get(`piece-${id}-3`)![5]! ^= 1;
    expect((await load(again(tab))).hash).toBe(sha256(weights));
    expect(tab.server.sent(WEIGHTS)).toBe(weights.length);
  });

  test('a page that ends at any of its writes leaves a store that the next one can use', async () => {
    const whole = newTab(withManifest(files()));
    let writes = 0;
    whole.shelf.onPut = () => void writes++;
    await load(whole);
    expect(writes).toBeGreaterThan(15);
    for (let end = 0; end < writes; end++) {
      const tab = newTab(withManifest(files()));
      let count = 0;
      // from there on nothing is written or removed any more, as if the page were gone
      const stop = () => {
        if (count++ >= end) throw new Error('gone');
      };
      tab.shelf.onPut = stop;
      const remove = tab.shelf.remove.bind(tab.shelf);
      tab.shelf.remove = async name => {
        if (count > end) throw new Error('gone');
        await remove(name);
      };
      await load(tab);
      tab.shelf.onPut = () => {};
      tab.shelf.remove = remove;
      expect((await load(again(tab))).hash, `after ${end} writes`).toBe(sha256(weights));
      expect((await load(again(tab))).store, `after ${end} writes`).toMatchObject({ downloaded: 0, note: null });
      const all = Object.values(withManifest(files())).reduce((sum, content) => sum + toBytes(content).length, 0);
      expect(tab.shelf.bytes, `after ${end} writes`).toBe(all);
    }
  });
});

describe('a browser without room', () => {
  const full = (limit: number) => {
    const tab = newTab(withManifest(files()));
    tab.shelf.onPut = (name, bytes) => {
      if (tab.shelf.bytes + bytes.length > limit && name.startsWith('piece-'))
        throw new DOMException('no room', 'QuotaExceededError');
    };
    return tab;
  };

  test.each([0, 100, 400, 600, 800])('for more than %d bytes loads all the same, and says so', async limit => {
    const tab = full(limit);
    const { hash, store } = await load(tab);
    expect(hash).toBe(sha256(weights));
    expect(store.note).toMatch(/^the browser has no room to keep the model, .*Segmenter\.forget\(\)$/);
    expect(tab.shelf.entries.has(`blob-${sha256(weights)}`)).toBe(false);
    expect(tab.shelf.named('part-')).toEqual([]);
    expect(tab.server.sent(WEIGHTS)).toBe(weights.length);
  });

  test('that says so beforehand is not filled to the brim first', async () => {
    const tab = newTab(withManifest(files()));
    tab.shelf.free = weights.length - 1;
    const { hash, store } = await load(tab);
    expect(hash).toBe(sha256(weights));
    expect(store.note).toMatch(/^the browser has no room/);
    expect(tab.shelf.bytes).toBeLessThan(weights.length);
    expect(tab.server.sent(WEIGHTS)).toBe(weights.length);
    tab.shelf.free = weights.length;
    expect((await load(again(tab))).store.note).toBeNull();
    expect((await load(again(tab))).store.downloaded).toBe(0);
  });

  test('reads weights twice all the same', async () => {
    expect((await load(full(700), { twice: true })).hash).toBe(sha256(weights));
  });

  test('or whose storage does not work at all loads without it', async () => {
    const tab = newTab(withManifest(files()));
    tab.shelf.onGet = () => {
      throw new DOMException('denied', 'SecurityError');
    };
    const { hash, store } = await load(tab);
    expect(hash).toBe(sha256(weights));
    expect(store.note).toContain('SecurityError: denied');
  });
});

describe('several pages', () => {
  test('that load at once fetch a model once, and each sees how far it is', async () => {
    const tab = newTab(withManifest(files()));
    const seen: Progress[] = [];
    let isAlone = true;
    tab.server.onChunk = async (file, sent) => {
      if (file !== WEIGHTS || sent > 0 || !isAlone) return;
      isAlone = false;
      await expect.poll(() => tab.channel.waiting).toBe(1);
    };
    const [one, two] = await Promise.all([load(tab), load(tab, { onProgress: step => seen.push(step) })]);
    const progress = { phase: 'download', file: `${ADDRESS}/${WEIGHTS}`, total: weights.length };
    expect(seen[0]).toEqual({ ...progress, loaded: tab.server.chunk });
    expect([one.hash, two.hash]).toEqual([sha256(weights), sha256(weights)]);
    expect(tab.server.sent(WEIGHTS)).toBe(weights.length);
    expect([one.store.note, two.store.note]).toEqual([null, null]);
  });

  test('never see a file before it is whole', async () => {
    const tab = newTab(withManifest(files()));
    const seen: boolean[] = [];
    tab.server.onChunk = file => {
      if (file === WEIGHTS) seen.push(tab.shelf.entries.has(`blob-${sha256(weights)}`));
    };
    await load(tab);
    expect(seen.length).toBeGreaterThan(10);
    expect(seen).not.toContain(true);
  });

  test('do not wait for one that has stopped', async () => {
    const tab = newTab(withManifest(files()));
    let isStuck = false;
    tab.server.onChunk = async (file, sent) => {
      if (file !== WEIGHTS || sent < 300 || isStuck) return;
      isStuck = true;
      await new Promise(() => {});
    };
    const stuck = new AbortController();
    const first = load(tab, { signal: stuck.signal });
    await expect.poll(() => isStuck).toBe(true);
    const { hash } = await load(tab, { silenceMs: 50 });
    expect(hash).toBe(sha256(weights));
    stuck.abort();
    await expect(first).rejects.toMatchObject({ code: 'ABORTED' });
    // what the first had is still there for the next
    expect((await load(again(tab))).hash).toBe(sha256(weights));
    expect(tab.server.asked.at(-1)!.range).toMatch(/^bytes=\d+-$/);
  });

  test('one that is stopped while it waits says so at once', async () => {
    const tab = newTab(withManifest(files()));
    const release = await tab.locks.take(`tmca-edge store ${sha256(weights)}`);
    const stop = new AbortController();
    const waiting = load(tab, { signal: stop.signal });
    setTimeout(() => stop.abort(), 20);
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
    release();
  });

  test('give every lock back, whatever happens', async () => {
    const tab = newTab({ ...withManifest(files()), 'vocab.txt': 'x' });
    await expect(load(tab)).rejects.toMatchObject({ code: 'MANIFEST_MISMATCH' });
    tab.server.files = { ...files(), 'manifest.json': manifestOf(without('vocab.txt')) };
    await expect(load(tab, { integrity: 'required' })).rejects.toMatchObject({ code: 'MODEL_UNCHECKED' });
    tab.server.files = withManifest(files());
    expect((await load(tab, { silenceMs: 60_000 })).hash).toBe(sha256(weights));
  });
});

describe('forget', () => {
  const keyed = async (tab: Tab, address?: string) => {
    return new Records(tab.shelf, tab.locks).forget(
      address === undefined ? undefined : (await modelKey(addressOf(address, ''))).model,
    );
  };
  const all = Object.values(withManifest(files())).reduce((sum, content) => sum + toBytes(content).length, 0);

  test('a model: its files are gone, the bytes are told, and the next loading fetches them', async () => {
    const tab = newTab(withManifest(files()));
    await load(tab);
    expect(await keyed(tab, `${ADDRESS}/`)).toBe(all);
    expect(tab.shelf.entries.size).toBe(0);
    expect((await load(again(tab))).store.downloaded).toBe(all);
  });

  test('one of two that share files: the other keeps them', async () => {
    const tab = newTab(withManifest(files()));
    await load(tab);
    await load(tab, { address: 'https://example.org/other' });
    await keyed(tab, ADDRESS);
    tab.server.isAway = true;
    expect((await load(tab, { address: 'https://example.org/other' })).hash).toBe(sha256(weights));
  });

  test('all of them, and one that was never loaded', async () => {
    const tab = newTab(withManifest(files()));
    await cutAfter(tab, 300);
    expect(await keyed(tab, 'https://example.org/never')).toBe(0);
    expect(await keyed(tab)).toBeGreaterThan(300);
    expect(tab.shelf.entries.size).toBe(0);
  });

  test('while a model arrives: it loads, and nothing of it is left half', async () => {
    const tab = newTab(withManifest(files()));
    let once = true;
    tab.server.onChunk = async (file, sent) => {
      if (file === WEIGHTS && sent > 300 && once) {
        once = false;
        await keyed(tab);
      }
    };
    const { hash } = await load(tab);
    expect(hash).toBe(sha256(weights));
    expect(tab.shelf.entries.has(`blob-${sha256(weights)}`)).toBe(false);
    expect((await load(again(tab))).hash).toBe(sha256(weights));
    expect((await load(again(tab))).store.downloaded).toBe(0);
  });
});
