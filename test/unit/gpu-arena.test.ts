// The planner of activation memory: valid on any network, small on those that look like ours.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ArenaCall, type ArenaLimits, type ArenaPlan, lifetimes, planArenas } from '../../gpu/arena.js';

const limits: ArenaLimits = {
  maxBufferSize: 2 ** 32,
  maxStorageBufferBindingSize: 2 ** 27,
  minStorageBufferOffsetAlignment: 256,
};

interface Network {
  readonly calls: readonly ArenaCall<string>[];
  readonly bytes: ReadonlyMap<string, number>;
  readonly pinned: ReadonlySet<string>;
}

function plan({ calls, bytes, pinned }: Network, within: ArenaLimits = limits): ArenaPlan<string> {
  return planArenas(
    lifetimes(
      calls,
      id => bytes.get(id)!,
      id => pinned.has(id),
    ),
    calls,
    within,
  );
}

/** Replays the calls over the plan: each byte has one owner at a time, and no buffer two roles in a call. */
function expectValid(network: Network, { arenas, place }: ArenaPlan<string>, within: ArenaLimits = limits): void {
  const uses = new Map<string, number[]>();
  for (const [c, { reads, writes }] of network.calls.entries()) {
    for (const id of [...reads, ...writes]) uses.set(id, [...(uses.get(id) ?? []), c]);
    const written = new Set(writes.map(id => place.get(id)!.arena));
    for (const id of reads) expect(written.has(place.get(id)!.arena), `call ${c} reads ${id}`).toBe(false);
  }
  const boxes = [...place].map(([id, at]) => {
    const all = network.pinned.has(id);
    const own = uses.get(id)!;
    return { id, ...at, from: all ? 0 : own[0]!, to: all ? network.calls.length : own.at(-1)! };
  });
  expect(place.size).toBe(uses.size);
  for (const [i, a] of boxes.entries()) {
    expect(a.offset % Math.max(256, within.minStorageBufferOffsetAlignment)).toBe(0);
    expect(a.bytes % 16).toBe(0);
    expect(a.bytes).toBeGreaterThanOrEqual(network.bytes.get(a.id)!);
    expect(a.offset + a.bytes).toBeLessThanOrEqual(arenas[a.arena]!);
    for (const b of boxes.slice(i + 1)) {
      const shared = a.arena === b.arena && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
      expect(shared && a.from <= b.to && b.from <= a.to, `${a.id} over ${b.id}`).toBe(false);
    }
  }
  for (const bytes of arenas) expect(bytes).toBeLessThanOrEqual(within.maxBufferSize);
}

const total = (arenas: readonly number[]) => arenas.reduce((sum, bytes) => sum + bytes, 0);

/**
 * A U-Net with residual blocks, like TMCA: at each level `depth` blocks of x → a → 4x wide b → x + c, a downsampling, and
 * on the way up a concatenation with the level's output and two convolutions.
 */
function uNet(size: number, channels: readonly number[], depth: number): Network {
  const calls: ArenaCall<string>[] = [];
  const bytes = new Map<string, number>();
  const add = (id: string, side: number, width: number, ...reads: string[]): string => {
    bytes.set(id, 4 * side * side * width);
    calls.push({ reads, writes: [id] });
    return id;
  };
  bytes.set('image', 4 * size * size * 3);
  let x = 'image';
  const skips: string[] = [];
  channels.forEach((width, level) => {
    const side = size / 4 / 2 ** level;
    x = add(`down${level}`, side, width, x);
    for (let block = 0; block < depth; block++) {
      const name = `${level}.${block}`;
      const a = add(`a${name}`, side, width, x);
      const b = add(`b${name}`, side, 4 * width, a);
      x = add(`x${name}`, side, width, b, x);
    }
    skips.push(x);
  });
  for (let level = channels.length - 2; level >= 0; level--) {
    const [side, width] = [size / 4 / 2 ** level, channels[level]!];
    const up = add(`up${level}`, side, 2 * width, x);
    calls.push({ reads: [skips[level]!], writes: [up] }); // the other half of the concatenated map
    x = add(`p${level}`, side, width, add(`o${level}`, side, width, up));
  }
  add('logits', size, 1, x);
  return { calls, bytes, pinned: new Set(['image', 'logits']) };
}

/** For each call in reverse, a gradient of each input from the call's inputs and outputs and the gradient before. */
function withBackward(forward: Network): Network {
  const calls = [...forward.calls];
  const bytes = new Map(forward.bytes);
  for (const { reads, writes } of [...forward.calls].reverse())
    for (const read of reads) {
      const id = `gradient${bytes.size}`;
      bytes.set(id, bytes.get(read)!);
      calls.push({ reads: [...new Set([...reads, ...writes, calls.at(-1)!.writes[0]!])], writes: [id] });
    }
  return { calls, bytes, pinned: forward.pinned };
}

describe('on networks like ours', () => {
  test.each([
    [224, [96, 192, 384, 768], 3],
    [224, [96, 192, 384, 768], 9],
    [512, [128, 256, 512, 1024], 3],
    [64, [8, 16, 32, 64], 1],
  ] as const)(
    'a U-Net of %i pixels, channels %o, %i blocks: at most 1.3 of the lower bound',
    (size, channels, depth) => {
      const network = uNet(size, channels, depth);
      const result = plan(network);
      expectValid(network, result);
      expect(total(result.arenas) / result.lowerBound).toBeLessThanOrEqual(1.3);
    },
  );

  test('its training, where the way back reads what the way there wrote: at most 1.1', () => {
    const network = withBackward(uNet(64, [8, 16, 32, 64], 1));
    const result = plan(network);
    expectValid(network, result);
    expect(total(result.arenas) / result.lowerBound).toBeLessThanOrEqual(1.1);
  });

  test('a chain needs two arenas and no more than its largest pair', () => {
    const sizes = [256, 1024, 512, 2048, 256];
    const calls = sizes.slice(1).map((_, i) => ({ reads: [`${i}`], writes: [`${i + 1}`] }));
    const network = { calls, bytes: new Map(sizes.map((n, i) => [`${i}`, n])), pinned: new Set<string>() };
    const result = plan(network);
    expectValid(network, result);
    expect([...result.arenas].sort()).toEqual([2048, 512]);
    expect(result.lowerBound).toBe(2048 + 512);
  });

  test('the same network has the same plan', () => {
    const network = uNet(64, [8, 16, 32, 64], 2);
    expect([...plan(network).place]).toEqual([...plan(network).place]);
  });
});

/** Calls in order, each writing one or two new tensors from up to four earlier ones. */
const network: fc.Arbitrary<Network> = fc
  .array(
    fc.record({
      writes: fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 2 }),
      reads: fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 4 }),
      pinned: fc.boolean(),
    }),
    { minLength: 1, maxLength: 30 },
  )
  .map(specification => {
    const ids: string[] = [];
    const bytes = new Map<string, number>();
    const pinned = new Set<string>();
    const calls = specification.map(call => {
      const reads = [...new Set(call.reads.map(back => ids.at(-back)).filter(id => id !== undefined))];
      const writes = call.writes.map(size => {
        const id = `t${bytes.size}`;
        bytes.set(id, size);
        if (call.pinned && bytes.size % 7 === 0) pinned.add(id);
        return id;
      });
      ids.push(...writes);
      return { reads, writes };
    });
    return { calls, bytes, pinned };
  });

test('on any network: no overlap in time and space, no buffer in two roles, limits kept', () => {
  const tight = { ...limits, maxBufferSize: 12_288, minStorageBufferOffsetAlignment: 512 };
  fc.assert(
    fc.property(network, fc.boolean(), (sample, tightly) => {
      const within = tightly ? tight : limits;
      const result = plan(sample, within);
      expectValid(sample, result, within);
      expect(total(result.arenas)).toBeGreaterThanOrEqual(result.lowerBound);
    }),
    { numRuns: 100, seed: 7 },
  );
});

describe('refuses', () => {
  const one = [{ reads: ['x'], writes: ['y'] }];
  const tensors = (bytes: number) => lifetimes(one, () => bytes);

  test('a tensor beyond the limit of a binding, with the numbers', () => {
    expect(() => planArenas(tensors(2 ** 27 + 4), one, limits)).toThrow(
      'planArenas: a tensor must have at most 134217728 bytes on this device, got 134217732 for x; use a smaller image, batch or model',
    );
  });

  test('a call that writes what it reads', () => {
    const calls = [{ reads: ['x'], writes: ['x'] }];
    expect(() =>
      planArenas(
        lifetimes(calls, () => 4),
        calls,
        limits,
      ),
    ).toThrow('call 0 must not write what it reads, got x');
  });

  test('a use outside the lifetime, and a tensor that was not declared', () => {
    expect(() => planArenas([{ ...tensors(4)[0]!, lastUse: -1 }, tensors(4)[1]!], one, limits)).toThrow(
      'call 0 must use tensors within their lifetimes, got x (0 to -1)',
    );
    expect(() => planArenas([], one, limits)).toThrow('got x (undefined to undefined)');
  });
});
