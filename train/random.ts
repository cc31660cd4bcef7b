// Seeded random numbers: the same on every machine, in every order of calls between keys. Nothing in training uses
// Math.random, so a run is told by its seed alone.
//
// - Generator: xoshiro128** 1.1 (Blackman and Vigna 2018, prng.di.unimi.it): 32-bit arithmetic only, period 2^128 - 1.
// - Its 128 bits come from SplitMix64 (Steele et al. 2014), as its authors advise.
// - SplitMix64 starts from the 64-bit FNV-1a hash of the key, so neighbouring seeds, epochs and records share nothing.

import { check } from '../errors/index.js';
import { show } from '../errors/show.js';

const MASK_64 = 0xffff_ffff_ffff_ffffn;

/** The generator's state: four words of 32 bits, not all zero. */
export type RandomState = readonly [number, number, number, number];

/**
 * A stream of random numbers.
 *
 * @example
 * const random = randomOf(seed, epoch, record.id, 'flip');
 * if (random.chance(0.5)) …
 */
export class Random {
  readonly #s: Uint32Array;

  /** Errors: BAD_ARGUMENT, for anything but four 32-bit words that are not all zero. */
  constructor(state: RandomState) {
    const valid = state.length === 4 && state.every(word => word >>> 0 === word) && state.some(word => word !== 0);
    check(valid, 'BAD_ARGUMENT', () => {
      return `Random: state must be four 32-bit words, not all 0, got ${show(state)}; take it from Random.state`;
    });
    this.#s = Uint32Array.from(state);
  }

  /** A copy; `new Random(state)` goes on from here. */
  get state(): RandomState {
    const [a, b, c, d] = this.#s;
    return [a!, b!, c!, d!];
  }

  /** 32 random bits, 0 to 2^32 - 1. */
  word(): number {
    const s = this.#s;
    const result = Math.imul(rotateLeft(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const t = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotateLeft(s[3]!, 11);
    return result;
  }

  /** In [0, 1), a multiple of 2^-32. */
  unit(): number {
    return this.word() / 2 ** 32;
  }

  /** In [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.unit();
  }

  /** True with this probability: never for 0, always for 1. */
  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  /** An integer in [0, count), each equally likely. By rejection. */
  below(count: number): number {
    const valid = Number.isInteger(count) && count >= 1 && count <= 2 ** 32;
    check(valid, 'BAD_ARGUMENT', `Random.below: count must be an integer in 1..2^32, got ${count}`);
    // words beyond the largest multiple of `count` would favour the small results
    const limit = 2 ** 32 - (2 ** 32 % count);
    for (;;) {
      const word = this.word();
      if (word < limit) return word % count;
    }
  }

  /** Fisher and Yates, in place; each of the n! orders equally likely. */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [items[i], items[j]] = [items[j]!, items[i]!];
    }
    return items;
  }
}

const rotateLeft = (x: number, k: number): number => (x << k) | (x >>> (32 - k));

/**
 * The stream that belongs to a key. Keys that differ in any part have streams that have nothing to do with one another:
 * what one consumer draws, or in which order keys are asked for, changes no other.
 */
export function randomOf(...key: readonly (string | number)[]): Random {
  // JSON keeps parts apart: ['a', 1] and ['a1'] are two keys
  const next = splitMix64(fnv1a64(new TextEncoder().encode(JSON.stringify(key))));
  const [low, high] = [next(), next()];
  const words = [low, low >> 32n, high, high >> 32n].map(word => Number(word & 0xffff_ffffn));
  // SplitMix64 gives two zeros in a row for no seed: its outputs are a permutation of its counter
  return new Random(words as unknown as RandomState);
}

/** Fowler, Noll and Vo's hash, variant 1a, 64 bits. */
export function fnv1a64(bytes: Uint8Array): bigint {
  let hash = 0xcbf2_9ce4_8422_2325n;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x100_0000_01b3n) & MASK_64;
  return hash;
}

/** The 64-bit generator that seeds others. */
export function splitMix64(seed: bigint): () => bigint {
  let state = seed & MASK_64;
  return () => {
    state = (state + 0x9e37_79b9_7f4a_7c15n) & MASK_64;
    let z = state;
    z = ((z ^ (z >> 30n)) * 0xbf58_476d_1ce4_e5b9n) & MASK_64;
    z = ((z ^ (z >> 27n)) * 0x94d0_49bb_1331_11ebn) & MASK_64;
    return z ^ (z >> 31n);
  };
}
