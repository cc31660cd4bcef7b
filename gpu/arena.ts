// Where every intermediate tensor lies: a few large buffers (arenas), in which tensors that are never needed at the same
// time share bytes. Pure arithmetic, no device.
//
// WebGPU forbids one buffer in two roles in a dispatch, read-only and read-write. So what a call writes lies in another
// arena than all that it reads, and the plan is a packing (time x bytes) and a colouring (arenas) at once. Both are hard
// to solve exactly; greedy placement in several orders, then in orders mended where the last one was worst, comes close to
// the lower bound on real networks. Deterministic: the same network has the same plan on every run.

import { check } from '../errors/index.js';

/** A tensor to be placed. `firstUse` and `lastUse` index the calls, both inclusive. */
export interface ArenaTensor<Id> {
  readonly id: Id;
  readonly bytes: number;
  readonly firstUse: number;
  readonly lastUse: number;
  /** Keeps its bytes before, between and after the calls: an input, an output, what one plan leaves to the next. */
  readonly pinned?: boolean;
}

export interface ArenaCall<Id> {
  readonly reads: readonly Id[];
  readonly writes: readonly Id[];
}

/**
 * The limits of a `GPUSupportedLimits` that count. They are spelt out, since they are public, and not every project has
 * WebGPU's types.
 */
export interface ArenaLimits {
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
  readonly minStorageBufferOffsetAlignment: number;
}

export interface Placement {
  readonly arena: number;
  /** Bytes from the start of the arena, aligned for a binding. */
  readonly offset: number;
  /** The tensor's bytes rounded up to 16, so that it can be bound as vectors of four; the padding holds anything. */
  readonly bytes: number;
}

export interface ArenaPlan<Id> {
  /** Bytes of each arena. */
  readonly arenas: readonly number[];
  readonly place: ReadonlyMap<Id, Placement>;
  /** Most bytes that are needed at one time, each tensor rounded up to the alignment: no plan is smaller. */
  readonly lowerBound: number;
}

/** A tensor as the search sees it. */
interface Item {
  readonly size: number;
  readonly from: number;
  readonly to: number;
  /** Items that may not share its arena. */
  readonly apart: ReadonlySet<number>;
}

interface Packing {
  readonly arenas: number[];
  readonly arena: number[];
  readonly offset: number[];
}

/** Orders tried for a small network, unless the plan is as good as it can be before. */
const mostOrders = 64;
/** Pairs of tensors looked at in a search, roughly: an order takes the square of their number, a large network gets fewer. */
const searchBudget = 8e6;
/** A plan this close to the lower bound is not worth more search. */
const closeEnough = 1.02;

/**
 * Errors: GPU_LIMIT (a tensor beyond what can be bound or allocated), INTERNAL (a call that reads what it writes, a use
 * outside the tensor's lifetime, an unknown tensor).
 *
 * @example
 * const { arenas, place } = planArenas(lifetimes(calls, id => bytes.get(id)!), calls, device.limits);
 */
export function planArenas<Id>(
  tensors: readonly ArenaTensor<Id>[],
  calls: readonly ArenaCall<Id>[],
  limits: ArenaLimits,
): ArenaPlan<Id> {
  for (const tensor of tensors) checkSize(tensor, limits);
  const items = toItems(tensors, calls, Math.max(256, limits.minStorageBufferOffsetAlignment));
  const lowerBound = liveBytes(items);
  const best = search(items, lowerBound, limits.maxBufferSize);
  const place = new Map<Id, Placement>();
  for (const [i, { id, bytes }] of tensors.entries())
    place.set(id, { arena: best.arena[i]!, offset: best.offset[i]!, bytes: roundUp(Math.max(bytes, 1), 16) });
  return { arenas: best.arenas, place, lowerBound };
}

/** First and last use of every tensor of `calls`; pinned where `pinned` says so. */
export function lifetimes<Id>(
  calls: readonly ArenaCall<Id>[],
  bytes: (id: Id) => number,
  pinned: (id: Id) => boolean = () => false,
): ArenaTensor<Id>[] {
  const uses = new Map<Id, { firstUse: number; lastUse: number }>();
  for (const [i, { reads, writes }] of calls.entries())
    for (const id of [...reads, ...writes]) {
      const use = uses.get(id);
      if (use) use.lastUse = i;
      else uses.set(id, { firstUse: i, lastUse: i });
    }
  return [...uses].map(([id, use]) => ({ id, bytes: bytes(id), ...use, pinned: pinned(id) }));
}

function checkSize<Id>({ id, bytes }: ArenaTensor<Id>, limits: ArenaLimits): void {
  const largest = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  check(
    bytes <= largest,
    'GPU_LIMIT',
    () =>
      `planArenas: a tensor must have at most ${largest} bytes on this device, got ${bytes} for ${id}; use a smaller image, batch or model`,
  );
}

function toItems<Id>(tensors: readonly ArenaTensor<Id>[], calls: readonly ArenaCall<Id>[], alignment: number): Item[] {
  const index = new Map(tensors.map(({ id }, i) => [id, i]));
  const apart = tensors.map(() => new Set<number>());
  for (const [c, { reads, writes }] of calls.entries()) {
    const [read, written] = [reads, writes].map(ids => ids.map(id => checkUse(tensors, index.get(id), id, c)));
    for (const w of written!)
      for (const r of read!) {
        check(r !== w, 'INTERNAL', () => `planArenas: call ${c} must not write what it reads, got ${tensors[r]!.id}`);
        apart[w]!.add(r);
        apart[r]!.add(w);
      }
  }
  return tensors.map(({ bytes, firstUse, lastUse, pinned }, i) => ({
    size: roundUp(Math.max(bytes, 1), alignment),
    from: pinned ? 0 : firstUse,
    to: pinned ? Math.max(calls.length - 1, lastUse) : lastUse,
    apart: apart[i]!,
  }));
}

function checkUse<Id>(tensors: readonly ArenaTensor<Id>[], i: number | undefined, id: Id, call: number): number {
  const tensor = i === undefined ? undefined : tensors[i];
  check(
    tensor && tensor.firstUse <= call && call <= tensor.lastUse,
    'INTERNAL',
    () =>
      `planArenas: call ${call} must use tensors within their lifetimes, got ${id} (${tensor?.firstUse} to ${tensor?.lastUse})`,
  );
  return i!;
}

function liveBytes(items: readonly Item[]): number {
  const change = new Map<number, number>();
  for (const { size, from, to } of items) {
    change.set(from, (change.get(from) ?? 0) + size);
    change.set(to + 1, (change.get(to + 1) ?? 0) - size);
  }
  let live = 0;
  let most = 0;
  for (const [, bytes] of [...change].sort(([a], [b]) => a - b)) {
    live += bytes;
    most = Math.max(most, live);
  }
  return most;
}

function search(items: readonly Item[], lowerBound: number, maxArena: number): Packing {
  let best: Packing | undefined;
  let bestOrder: readonly number[] = [];
  let bestSpare = 0;
  let least = Number.POSITIVE_INFINITY;
  /** Tries an order; true when the plan is good enough to stop. */
  const attempt = (order: readonly number[], spare: number): boolean => {
    const packing = pack(items, order, spare, maxArena, least);
    if (packing) {
      [best, bestOrder, bestSpare] = [packing, order, spare];
      least = packing.arenas.reduce((sum, bytes) => sum + bytes, 0);
    }
    return least <= closeEnough * lowerBound;
  };
  let left = Math.max(4, Math.min(mostOrders, Math.floor(searchBudget / items.length ** 2)));
  const fixed = fixedOrders(items);
  for (const spare of [0, 2, 3]) for (const order of fixed) if (left-- === 0 || attempt(order, spare)) return best!;
  const random = lcg(items.length);
  while (left-- > 0 && !attempt(mend(items, best!, bestOrder, random), bestSpare));
  return best!;
}

/** Large first; by the area in time and bytes; long-lived first; in the order of first use, with large ones before. */
function fixedOrders(items: readonly Item[]): number[][] {
  const span = ({ from, to }: Item) => to - from + 1;
  const keys: ((item: Item) => number[])[] = [
    item => [-item.size, -span(item)],
    item => [-item.size * span(item)],
    item => [-span(item), -item.size],
    item => [item.from, -item.size],
    item => [-item.to, -item.size],
  ];
  return keys.map(key => {
    const ranked = items.map((item, i) => ({ i, key: key(item) }));
    return ranked.sort((a, b) => compare(a.key, b.key) || a.i - b.i).map(({ i }) => i);
  });
}

/** The order with the items at the top of an arena (those that make it as large as it is) and a few others moved forward. */
function mend(items: readonly Item[], packing: Packing, order: readonly number[], random: () => number): number[] {
  const rank = new Float64Array(items.length);
  for (const [position, i] of order.entries()) rank[i] = position;
  for (const [i, item] of items.entries()) {
    const top = packing.offset[i]! + item.size === packing.arenas[packing.arena[i]!];
    if (top || random() < 0.1) rank[i]! *= random();
  }
  return [...order].sort((a, b) => rank[a]! - rank[b]!);
}

/**
 * Places the items one after another, each where the sum of the arenas grows least. `spare` arenas are open from the start. Nothing
 * where that sum would not be below `least`: it never shrinks, and most orders are given up early.
 */
function pack(
  items: readonly Item[],
  order: readonly number[],
  spare: number,
  maxArena: number,
  least: number,
): Packing | undefined {
  const arenas = new Array<number>(spare).fill(0);
  /** Items of each arena, by offset. */
  const content: number[][] = arenas.map(() => []);
  const arena = new Array<number>(items.length).fill(-1);
  const offset = new Array<number>(items.length).fill(0);
  const forbidden = new Set<number>();
  let sum = 0;
  for (const i of order) {
    const item = items[i]!;
    forbidden.clear();
    for (const j of item.apart) forbidden.add(arena[j]!);
    let best = { arena: arenas.length, offset: 0, growth: item.size, slack: 0 };
    for (const [a, size] of arenas.entries()) {
      if (forbidden.has(a)) continue;
      const gap = bestGap(items, content[a]!, offset, item, size);
      const growth = Math.max(0, gap.offset + item.size - size);
      if (size + growth > maxArena) continue;
      if (growth < best.growth || (growth === best.growth && (best.arena === arenas.length || gap.slack < best.slack)))
        best = { arena: a, offset: gap.offset, growth, slack: gap.slack };
    }
    if (best.arena === arenas.length) {
      arenas.push(0);
      content.push([]);
    }
    sum += best.growth;
    if (sum >= least) return undefined;
    arenas[best.arena]! += best.growth;
    arena[i] = best.arena;
    offset[i] = best.offset;
    const later = content[best.arena]!.findIndex(j => offset[j]! > best.offset);
    content[best.arena]!.splice(later < 0 ? content[best.arena]!.length : later, 0, i);
  }
  return withoutEmpty({ arenas, arena, offset });
}

/** The tightest gap that holds the item among those alive with it (`content` is sorted by offset), or the place above them. */
function bestGap(
  items: readonly Item[],
  content: readonly number[],
  offset: readonly number[],
  item: Item,
  arenaSize: number,
): { offset: number; slack: number } {
  let best: { offset: number; slack: number } | undefined;
  let end = 0;
  for (const j of content) {
    const other = items[j]!;
    if (other.from > item.to || item.from > other.to) continue;
    const slack = offset[j]! - end - item.size;
    if (slack >= 0 && (!best || slack < best.slack)) best = { offset: end, slack };
    end = Math.max(end, offset[j]! + other.size);
  }
  const rest = arenaSize - end - item.size;
  if (!best || (rest >= 0 && rest < best.slack)) return { offset: end, slack: Math.max(0, rest) };
  return best;
}

function withoutEmpty({ arenas, arena, offset }: Packing): Packing {
  const kept = arenas.flatMap((bytes, a) => (bytes > 0 ? [a] : []));
  return { arenas: kept.map(a => arenas[a]!), arena: arena.map(a => kept.indexOf(a)), offset };
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [i, x] of a.entries()) if (x !== b[i]) return x - b[i]!;
  return 0;
}

/** Numerical Recipes' linear congruential generator, 0..1: any will do, so long as it is the same everywhere. */
function lcg(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const roundUp = (n: number, unit: number): number => Math.ceil(n / unit) * unit;
