// One element, where an invocation has channels that are no neighbours (attention-gradient-sums-lanes.wgsl). A component of a
// vector is addressed otherwise than an element of an array, so attention-gradient-single-vec4.wgsl stands in for this where
// packets are of four.

fn load_q1(at: u32) -> f32 { return wide(Packet(q[at])).x; }
fn load_k1(at: u32) -> f32 { return wide(Packet(k[at])).x; }
fn load_dy1(at: u32) -> f32 { return wide(Packet(dy[at])).x; }
