// What is known of kinds of adapters (devices/profiles/*.json): how kernels are cut on each before anything is measured.
// Loaded when a device is opened.

import adreno from '../devices/profiles/adreno.json';
import apple from '../devices/profiles/apple.json';
import fallback from '../devices/profiles/default.json';
import desktopAmd from '../devices/profiles/desktop-amd.json';
import desktopNvidia from '../devices/profiles/desktop-nvidia.json';
import intel from '../devices/profiles/intel.json';
import jetson from '../devices/profiles/jetson.json';
import llvmpipe from '../devices/profiles/llvmpipe.json';
import mali from '../devices/profiles/mali.json';
import software from '../devices/profiles/software.json';
import swiftshader from '../devices/profiles/swiftshader.json';
import type { AdapterInfo } from './adapter.js';
import type { Knobs, Tuning } from './tuning.js';

interface Reasoned<T> {
  readonly value: T;
  readonly reason: string;
}

type AllReasoned<T> = { readonly [K in keyof T]: Reasoned<T[K]> };

export interface Profile {
  readonly name: string;
  readonly about: string;
  /** Regular expressions, case ignored; `name` is looked for in all that the adapter calls itself. */
  readonly match: { readonly software?: true; readonly vendor?: string; readonly name?: string };
  /** Whether anybody has measured that its knobs are good ones. */
  readonly measured: boolean;
  readonly evidence?: string;
  /** Whether invocations are the lanes of a CPU's vectors where all subgroups have one size. */
  readonly lanes: Reasoned<boolean>;
  readonly knobs: { readonly [K in keyof Knobs]: AllReasoned<Knobs[K]> };
}

/** The first that matches counts; the last matches all. JSON has no literal types: test/null/profiles.test.ts holds them to the rules. */
export const profiles = [
  ...[llvmpipe, swiftshader, software, jetson, desktopNvidia, desktopAmd, intel, apple, adreno, mali, fallback],
] as unknown as readonly Profile[];

/** What of an adapter decides. */
export type ProfiledAdapter = Pick<AdapterInfo, 'vendor' | 'architecture' | 'description' | 'software'>;

/** What is known of an adapter's kind. */
export function profileOf({ vendor, architecture, description, software }: ProfiledAdapter): Profile {
  const has = (pattern: string | undefined, text: string) =>
    pattern === undefined || new RegExp(pattern, 'i').test(text);
  const names = `${vendor} ${architecture} ${description}`;
  return profiles.find(
    ({ match }) => (match.software ?? false) === software && has(match.vendor, vendor) && has(match.name, names),
  )!;
}

const values = <T>(reasoned: AllReasoned<T>): T =>
  Object.fromEntries(
    Object.entries(reasoned as Record<string, Reasoned<unknown>>).map(([key, { value }]) => [key, value]),
  ) as T;

export interface Subgroups {
  readonly subgroups: boolean;
  readonly subgroupMinSize?: number | undefined;
  readonly subgroupMaxSize?: number | undefined;
}

/** The profile's tuning on a device. Lanes that share work need subgroups of one size that kernels know; else each works alone. */
export function tuningOf(profile: Profile, { subgroups, subgroupMinSize, subgroupMaxSize }: Subgroups): Tuning {
  const { linear, conv2d, depthwise, attention } = profile.knobs;
  const size = subgroups && subgroupMinSize === subgroupMaxSize ? subgroupMaxSize : 1;
  const shared = size === 4 || size === 8 || size === 16 ? size : 1;
  return {
    lanes: profile.lanes.value ? shared : 0,
    knobs: {
      linear: values(linear),
      conv2d: values(conv2d),
      depthwise: values(depthwise),
      attention: values(attention),
    },
  };
}
