// Which adapter runs: asking the browser (or Dawn) for one, telling software from hardware, and what to ask of it.

import { TmcaError } from '../errors/index.js';

/** What an adapter says of itself; structurally an `AdapterSummary` of the runtime, with its limits. */
export interface AdapterInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  /** Runs on the CPU (SwiftShader, llvmpipe, WARP). */
  readonly software: boolean;
  /** Sorted. */
  readonly features: readonly string[];
  readonly limits: Readonly<Record<LimitName, number>>;
}

/**
 * `hardware`: refuse an adapter that runs on the CPU. `any`: hardware if there is some, else software. `software`: one
 * that runs on the CPU, for tests.
 */
export type Preference = 'hardware' | 'any' | 'software';

export interface AdapterOptions {
  /** `navigator.gpu` (in a worker too), or `nodeGpu()`; undefined gives NO_WEBGPU. */
  readonly gpu: GPU | undefined;
  /** 'hardware' if not given. */
  readonly prefer?: Preference | undefined;
  /** 'high-performance' if not given. */
  readonly powerPreference?: GPUPowerPreference | undefined;
}

/** Limits that are raised to the adapter's own: WebGPU grants only the defaults unless asked. */
const raisedLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const;

export type LimitName = (typeof raisedLimits)[number];

/** Whether it says that there is no WebGPU here, so that something else may run. */
export const isGpuAbsence = (error: unknown): error is TmcaError =>
  error instanceof TmcaError && ['NO_WEBGPU', 'NO_ADAPTER', 'PACKAGE_MISSING'].includes(error.code);

/** Errors: NO_WEBGPU, NO_ADAPTER. */
export async function findAdapter(options: AdapterOptions): Promise<GPUAdapter> {
  const { gpu, prefer = 'hardware' } = options;
  if (!gpu) throw (await import('./absence.js')).noWebGpu();
  const seen: GPUAdapter[] = [];
  for (const request of requests(prefer, options.powerPreference ?? 'high-performance')) {
    const adapter = await gpu.requestAdapter(request);
    if (!adapter) continue;
    if (isSoftware(adapter) === (prefer === 'software')) return adapter;
    seen.push(adapter);
  }
  const [other] = seen;
  if (other && prefer === 'any') return other;
  if (!other) throw (await import('./absence.js')).noAdapter();
  throw new TmcaError(
    'NO_ADAPTER',
    `openDevice: there must be a ${prefer} adapter, got only "${other.info.description || other.info.architecture}"; ` +
      (prefer === 'hardware' ? 'choose device webgpu to accept a software adapter, or wasm' : 'choose prefer any'),
  );
}

function requests(prefer: Preference, powerPreference: GPUPowerPreference): GPURequestAdapterOptions[] {
  const best = { powerPreference };
  const fallback = { forceFallbackAdapter: true };
  if (prefer === 'hardware') return [best];
  return prefer === 'any' ? [best, fallback] : [fallback, best];
}

/** True for an adapter that runs on the CPU: by its own word, or by a name that is known. */
export function isSoftware(adapter: Pick<GPUAdapter, 'info'> & { readonly isFallbackAdapter?: boolean }): boolean {
  const { info } = adapter;
  // Chrome before 140 has the flag on the adapter, later ones on its info.
  if (info.isFallbackAdapter || adapter.isFallbackAdapter) return true;
  const names = [info.vendor, info.architecture, info.device, info.description].join(' ');
  return /swiftshader|llvmpipe|lavapipe|softpipe|software|\bwarp\b|basic render/i.test(names);
}

export function describeAdapter(adapter: GPUAdapter): AdapterInfo {
  const { vendor, architecture, description } = adapter.info;
  return {
    vendor,
    architecture,
    description,
    software: isSoftware(adapter),
    features: [...adapter.features].sort(),
    limits: negotiateLimits(adapter.limits),
  };
}

/** Every adapter that the browser (or Dawn) gives for some request; the first is what `prefer: 'any'` would open. */
export async function listAdapters(gpu: GPU): Promise<AdapterInfo[]> {
  const asked: GPURequestAdapterOptions[] = [
    { powerPreference: 'high-performance' },
    { powerPreference: 'low-power' },
    { forceFallbackAdapter: true },
  ];
  const found = new Map<string, AdapterInfo>();
  for (const request of asked) {
    const adapter = await gpu.requestAdapter(request);
    if (!adapter) continue;
    const info = describeAdapter(adapter);
    const key = JSON.stringify(info);
    if (!found.has(key)) found.set(key, info);
  }
  // Stable: hardware first, otherwise in the order of the requests.
  return [...found.values()].sort((a, b) => Number(a.software) - Number(b.software));
}

/** The adapter's own value of every raised limit; one that an older browser does not know is left out of the request. */
export function negotiateLimits(limits: GPUSupportedLimits): Record<LimitName, number> {
  const entries = raisedLimits.map(name => [name, limits[name]] as const);
  return Object.fromEntries(entries.filter(([, value]) => typeof value === 'number')) as Record<LimitName, number>;
}
