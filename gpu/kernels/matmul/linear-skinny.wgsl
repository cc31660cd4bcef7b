// include: finite, gelu, leaky-relu, activation, depth-to-space, linear-epilogue
// linear.wgsl for few rows (a text, a pooled vector), where tiles of 32 x 32 would leave a GPU idle: one workgroup
// computes TILE_M rows x 4 columns, its 32 invocations sharing out k. Reads of W are contiguous; the 32 partial sums of
// each output meet in workgroup memory and are added in a fixed order.

@group(0) @binding(1) var<storage, read> x: array<act4>;
@group(0) @binding(2) var<storage, read> weight: array<weight4>;

const LANES = 32u;
const COLUMNS = 4u;

var<workgroup> partial: array<f32, TILE_M * COLUMNS * LANES>;

@compute @workgroup_size(32)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let columns = (dims.n + COLUMNS - 1u) / COLUMNS;
  let tile = group.y * groups.x + group.x;
  let m0 = tile / columns * TILE_M;
  let n0 = tile % columns * COLUMNS;
  if (m0 >= dims.m) { return; }
  var sums: array<array<f32, COLUMNS>, TILE_M>;
  for (var k = lane; k < dims.strips; k += LANES) {
    var w: array<vec4f, COLUMNS>;
    for (var j = 0u; j < COLUMNS; j++) { w[j] = unpack_weight(weight[min(n0 + j, dims.n - 1u) * dims.strips + k]); }
    for (var i = 0u; i < TILE_M; i++) {
      let a = vec4f(x[(dims.x_offset + min(m0 + i, dims.m - 1u) * dims.x_pitch) / 4u + k]);
      for (var j = 0u; j < COLUMNS; j++) { sums[i][j] += dot(a, w[j]); }
    }
  }
  for (var i = 0u; i < TILE_M; i++) {
    for (var j = 0u; j < COLUMNS; j++) { partial[(i * COLUMNS + j) * LANES + lane] = sums[i][j]; }
  }
  workgroupBarrier();
  let m = m0 + lane / COLUMNS;
  let n = n0 + lane % COLUMNS;
  if (lane >= TILE_M * COLUMNS || m >= dims.m || n >= dims.n) { return; }
  var sum = 0.0;
  for (var i = 0u; i < LANES; i++) { sum += partial[lane * LANES + (i + lane) % LANES]; } // rotated: no bank conflicts
  finish(m, n, sum);
}
