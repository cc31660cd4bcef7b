// include: finite, gelu, leaky-relu, unary-formula
// y[i] = f(x[i]) for `count` packets of act; f by the override `kind`. ITEMS packets a thread, GROUP apart.

struct Dims { count: u32, slope: f32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<ActPacket>;
@group(0) @binding(2) var<storage, read_write> y: array<ActPacket>;

fn slope() -> f32 { return dims.slope; }

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let first = (group.y * groups.x + group.x) * GROUP * ITEMS + local;
  for (var item = 0u; item < ITEMS; item++) {
    let i = first + item * GROUP;
    if (i >= dims.count) { return; }
    y[i] = stored_packet(narrow(unary4(wide(Packet(x[i])))));
  }
}
