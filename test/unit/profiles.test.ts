// Profiles: which adapter gets which, and that each knob has a value that kernels know and a reason.

import { readdirSync } from 'node:fs';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { profileOf, profiles, tuningOf } from '../../gpu/profiles.js';
import { hardwareTuning, productTiles } from '../../gpu/tuning.js';

const adapter = (vendor: string, architecture: string, description = '', software = false) => ({
  ...{ vendor, architecture, description, software },
});

describe('profileOf', () => {
  test.each([
    ['llvmpipe', adapter('mesa', 'software', 'llvmpipe: Mesa 25.0.7 (LLVM 15.0.6)', true)],
    ['llvmpipe', adapter('mesa', 'software', '', true)],
    ['swiftshader', adapter('google', 'swiftshader', '', true)],
    ['software', adapter('microsoft', 'warp', 'Microsoft Basic Render Driver', true)],
    ['jetson', adapter('nvidia', 'ampere', 'NVIDIA Tegra Orin (nvgpu)')],
    ['desktop-nvidia', adapter('nvidia', 'lovelace', 'NVIDIA GeForce RTX 4090')],
    ['desktop-nvidia', adapter('nvidia', 'hopper')],
    ['desktop-amd', adapter('amd', 'rdna-3', 'AMD Radeon RX 7900 XTX')],
    ['intel', adapter('intel', 'gen-12lp')],
    ['apple', adapter('apple', 'metal-3')],
    ['adreno', adapter('qualcomm', 'adreno-7xx')],
    ['mali', adapter('arm', 'valhall')],
    ['default', adapter('img-tec', 'rogue')],
    ['default', adapter('', '')],
  ])('%s: %o', (name, found) => {
    expect(profileOf(found).name).toBe(name);
  });
});

describe('tuningOf', () => {
  const [llvmpipe] = profiles;
  const nvidia = profileOf(adapter('nvidia', 'ampere'));
  test.each([
    ['subgroups of eight', llvmpipe!, { subgroups: true, subgroupMinSize: 8, subgroupMaxSize: 8 }, 8],
    ['subgroups of four', llvmpipe!, { subgroups: true, subgroupMinSize: 4, subgroupMaxSize: 4 }, 4],
    ['subgroups that vary', llvmpipe!, { subgroups: true, subgroupMinSize: 4, subgroupMaxSize: 8 }, 1],
    ['an adapter that does not say', llvmpipe!, { subgroups: true }, 1],
    ['a device without subgroups', llvmpipe!, { subgroups: false, subgroupMinSize: 8, subgroupMaxSize: 8 }, 1],
    ['a size that no kernel knows', llvmpipe!, { subgroups: true, subgroupMinSize: 1, subgroupMaxSize: 1 }, 1],
    ['hardware, whatever its subgroups', nvidia, { subgroups: true, subgroupMinSize: 8, subgroupMaxSize: 8 }, 0],
  ] as const)('%s', (_, profile, device, lanes) => {
    expect(tuningOf(profile, device).lanes).toBe(lanes);
  });

  test('an unknown adapter gets what kernels assume without a device', () => {
    expect(tuningOf(profileOf(adapter('', '')), { subgroups: true })).toEqual(hardwareTuning);
  });
});

const knob = <const T extends v.GenericSchema>(value: T) =>
  v.strictObject({ value, reason: v.pipe(v.string(), v.minLength(12), v.endsWith('.')) });
const tile = knob(v.picklist(Object.keys(productTiles)));
const count = knob(v.pipe(v.number(), v.integer(), v.minValue(0)));
const queries = knob(v.picklist([8, 16, 32]));
const product = { large: tile, small: tile, enough: count };
const Profile = v.strictObject({
  name: v.pipe(v.string(), v.regex(/^[a-z-]+$/)),
  about: v.pipe(v.string(), v.minLength(5)),
  match: v.strictObject({
    software: v.optional(v.literal(true)),
    vendor: v.optional(v.string()),
    name: v.optional(v.string()),
  }),
  measured: v.boolean(),
  evidence: v.optional(v.string()),
  lanes: knob(v.boolean()),
  knobs: v.strictObject({
    linear: v.strictObject({ ...product, skinny: count }),
    conv2d: v.strictObject(product),
    depthwise: v.strictObject({ pixels: knob(v.picklist([1, 2, 4, 8, 16])), enough: count }),
    attention: v.strictObject({ large: queries, small: queries, many: count }),
  }),
});

describe.each(profiles.map(profile => [profile.name, profile] as const))('profile %s', (_, profile) => {
  test('has a known value and a reason for every knob', () => {
    expect(v.safeParse(Profile, profile).issues).toBeUndefined();
  });

  test('is measured if and only if it says how', () => {
    expect(profile.measured).toBe(profile.evidence !== undefined);
    if (profile.measured) expect(profile.evidence).toMatch(/node devices\/tools\/bench-kernels\.mjs|tmca bench/);
  });
});

test('every file is in the list, by its own name, and the last matches any hardware', () => {
  const files = readdirSync(new URL('../../gpu/profiles', import.meta.url)).map(file => file.replace('.json', ''));
  expect(profiles.map(({ name }) => name).sort()).toEqual(files.sort());
  expect(profiles.at(-1)!.match).toEqual({});
});
