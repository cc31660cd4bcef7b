// include: finite, binary-formula
// y = f(a, b) elementwise, f by the override `kind`: the common shapes of binary.wgsl, where no axes need to be walked and an operand
// may be one number; four elements a thread.
// y [rows, 4 quads] act; a and b are like y, one row that all rows share (row stride 0, else quads), or one number (step 0, else 1).
// Kind 11 is a + factor b, or a b where factor is 0, so that where compiling is dear one pipeline does for three kinds.

struct Dims { count: u32, quads: u32, a_stride: u32, b_stride: u32, a_step: u32, b_step: u32, factor: f32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> a: array<act4>;
@group(0) @binding(2) var<storage, read> b: array<act4>;
@group(0) @binding(3) var<storage, read_write> y: array<act4>;

fn whole(x: vec4f, step: u32) -> vec4f { return select(x, x.xxxx, step == 0u); }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= dims.count) { return; }
  let row = i / dims.quads;
  let column = i - row * dims.quads;
  let x = whole(vec4f(a[row * dims.a_stride + column * dims.a_step]), dims.a_step);
  let z = whole(vec4f(b[row * dims.b_stride + column * dims.b_step]), dims.b_step);
  var joined = select(fma(z, vec4f(dims.factor), x), x * z, dims.factor == 0.0);
  if (kind != 11u) { joined = binary4(x, z); }
  y[i] = stored4(joined);
}
