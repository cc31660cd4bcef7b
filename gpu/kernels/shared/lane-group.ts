// How work is dealt to workgroups where invocations are the lanes of a CPU's vectors (include/subgroup.wgsl, include/alone.wgsl).

/** Invocations of a workgroup in which each works alone: as many as the widest vectors have lanes. */
const ALONE = 16;

export interface LaneGroup {
  /** LANES share a piece of work, GROUP are a workgroup. */
  readonly tile: { readonly LANES: number; readonly GROUP: number };
  readonly swap: Readonly<Record<string, string>>;
  /** Pieces of work that a workgroup has. */
  readonly pieces: number;
}

/** A workgroup is a subgroup and has one piece of work; or, without subgroups (`lanes` is 1), every invocation has one. */
export const laneGroup = (lanes: number): LaneGroup =>
  lanes > 1
    ? { tile: { LANES: lanes, GROUP: lanes }, swap: {}, pieces: 1 }
    : { tile: { LANES: 1, GROUP: ALONE }, swap: { subgroup: 'alone' }, pieces: ALONE };
