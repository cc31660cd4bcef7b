// include: unravel
// y[y_offset + Σ i_k t_k] = x[x_offset + Σ i_k s_k] for all indexes i of a shape of up to six axes, innermost first.
// Units of 4 or 16 bytes, or of 2 where nothing wider fits, copied as bits: an integer read as f32 could be a subnormal,
// which devices may flush to zero. ITEMS units a thread, GROUP apart.

struct Dims {
  count: u32, x_offset: u32, y_offset: u32,
  n0: u32, n1: u32, n2: u32, n3: u32, n4: u32, n5: u32,
  s0: u32, s1: u32, s2: u32, s3: u32, s4: u32, s5: u32,
  t0: u32, t1: u32, t2: u32, t3: u32, t4: u32, t5: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<PacketBits>;
@group(0) @binding(2) var<storage, read_write> y: array<PacketBits>;

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let first = (group.y * groups.x + group.x) * GROUP * ITEMS + local;
  for (var item = 0u; item < ITEMS; item++) {
    let i = first + item * GROUP;
    if (i >= dims.count) { return; }
    let at = unravel(i);
    y[dims.y_offset + at.t] = x[dims.x_offset + at.s];
  }
}
