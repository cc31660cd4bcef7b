// include: binary-formula
// y = f(a, b) elementwise, f by the override `kind`: the common shapes of binary, four elements a thread.
// y [rows, 4 quads] act; a and b are like y, or one row that all rows share (row stride 0, else quads).

struct Dims { count: u32, quads: u32, a_stride: u32, b_stride: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> a: array<act4>;
@group(0) @binding(2) var<storage, read> b: array<act4>;
@group(0) @binding(3) var<storage, read_write> y: array<act4>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= dims.count) { return; }
  let row = i / dims.quads;
  let column = i - row * dims.quads;
  y[i] = act4(binary4(vec4f(a[row * dims.a_stride + column]), vec4f(b[row * dims.b_stride + column])));
}
