// What is known of kinds of adapters (gpu/profiles/*.json): how kernels are cut on each before anything is measured.
// Loaded when a device is opened.

import type { AdapterInfo } from './adapter.js';
import adreno from './profiles/adreno.json';
import apple from './profiles/apple.json';
import fallback from './profiles/default.json';
import desktopAmd from './profiles/desktop-amd.json';
import desktopNvidia from './profiles/desktop-nvidia.json';
import intel from './profiles/intel.json';
import jetson from './profiles/jetson.json';
import llvmpipe from './profiles/llvmpipe.json';
import mali from './profiles/mali.json';
import software from './profiles/software.json';
import swiftshader from './profiles/swiftshader.json';
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

/** The first that matches counts; the last matches all. JSON has no literal types: test/unit/profiles.test.ts holds them to the rules. */
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
