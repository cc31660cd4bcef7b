// enable: subgroups
// What invocations that are the lanes of a CPU's vectors tell each other: a workgroup is one subgroup of LANES invocations and has one
// piece of work. alone.wgsl stands in for it where a device has no subgroups.

fn piece_of(group: u32, local: u32) -> u32 { return group; }
fn lane_of(local: u32) -> u32 { return local; }
fn from_lane(x: vec4f, lane: u32) -> vec4f { return subgroupShuffle(x, lane); }
fn number_from_lane(x: f32, lane: u32) -> f32 { return subgroupShuffle(x, lane); }
fn across(x: f32, step: u32) -> f32 { return subgroupShuffleXor(x, step); }
