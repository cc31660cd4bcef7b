// subgroup.wgsl for a CPU's adapter without subgroups: LANES is 1, and each of a workgroup's GROUP invocations has a piece of its own.

fn piece_of(group: u32, local: u32) -> u32 { return group * GROUP + local; }
fn lane_of(local: u32) -> u32 { return 0u; }
fn from_lane(x: vec4f, lane: u32) -> vec4f { return x; }
fn number_from_lane(x: f32, lane: u32) -> f32 { return x; }
fn across(x: f32, step: u32) -> f32 { return x; }
