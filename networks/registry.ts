// The closed table of networks: a network is a folder and a line here. Everything that knows networks by name follows from it.

import type { NetworkDefinition } from './definition.js';
import { tmca } from './tmca/index.js';
import { unet } from './unet/index.js';

export const networks = { tmca, unet } as const;

export type NetworkId = keyof typeof networks;

/** A network's own fields, and its name. */
export type ConfigOf<K extends NetworkId> = { readonly network: K } & ((typeof networks)[K] extends NetworkDefinition<
  infer C
>
  ? C
  : never);

export const networkIds = Object.keys(networks) as readonly NetworkId[];

export const isNetwork = (id: unknown): id is NetworkId => typeof id === 'string' && Object.hasOwn(networks, id);

/** The definition of a network, its configuration's type forgotten: a configuration's own definition fits by construction. */
export const definitionOf = (id: NetworkId): NetworkDefinition<{ readonly imageSize: number }> =>
  networks[id] as unknown as NetworkDefinition<{ readonly imageSize: number }>;
