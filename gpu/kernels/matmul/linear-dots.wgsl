// include: finite, gelu, leaky-relu, activation, depth-to-space, linear-epilogue
// linear.wgsl in whole numbers: y[m,n] = activation(x_scale[m] scale[n] sum over k of x[m,k] W[n,k] + ...) + residual[m,n],
// x [m,k] of quantize-rows.wgsl, W [n,k] int8, sums in i32: exact for k up to 2^31 / 127^2. One workgroup of 8 x 8 invocations a
// tile of 8 TILE x 8 TILE outputs, as in include/gemm-tile.wgsl; a strip here is 16 consecutive k. Any k that is a multiple of
// four. Source: torch.nn.functional.linear. WGSL: packed_4x8_integer_dot_product.

@group(0) @binding(1) var<storage, read> x: array<vec4u>; // [m, strips]
@group(0) @binding(2) var<storage, read> weight: array<u32>; // [n, k / 4]
@group(0) @binding(8) var<storage, read> x_scale: array<f32>; // [m]

const GROUP = 64u;
const STRIPS = 4u;
const PITCH = STRIPS + 1u; // odd: neighbours read different banks
const FILLERS = GROUP / STRIPS;
const W_TILE = 8u * TILE * PITCH;

var<workgroup> tiles: array<vec4u, 2u * W_TILE>; // rows of x, then rows of w; at the end, four rows of sums

alias Sums = array<array<i32, TILE>, TILE>;

// Past the end of a row, x is zero.
fn load_weight(n: u32, strip: u32) -> vec4u {
  let words = dims.k / 4u;
  var value: vec4u;
  for (var i = 0u; i < 4u; i++) { value[i] = weight[n * words + min(4u * strip + i, words - 1u)]; }
  return value;
}

fn multiply_strip(sums: ptr<function, Sums>, index: u32, s: u32) {
  var a: array<vec4u, TILE>;
  for (var i = 0u; i < TILE; i++) { a[i] = tiles[(index / 8u + 8u * i) * PITCH + s]; }
  for (var j = 0u; j < TILE; j++) {
    let b = tiles[W_TILE + (index % 8u + 8u * j) * PITCH + s];
    for (var i = 0u; i < TILE; i++) {
      (*sums)[i][j] += dot4I8Packed(a[i].x, b.x) + dot4I8Packed(a[i].y, b.y)
        + dot4I8Packed(a[i].z, b.z) + dot4I8Packed(a[i].w, b.w);
    }
  }
}

// Through the invocation's own slots of workgroup memory, so that the epilogue is compiled once (include/gemm-tile.wgsl).
fn store_tile(sums: ptr<function, Sums>, m_first: u32, n_first: u32, n_end: u32, index: u32) {
  for (var block = 0u; block < TILE; block += 4u) {
    for (var i = 0u; i < 4u; i++) {
      for (var j = 0u; j < TILE; j += 4u) {
        let four = vec4i((*sums)[block + i][j], (*sums)[block + i][j + 1u], (*sums)[block + i][j + 2u], (*sums)[block + i][j + 3u]);
        tiles[(i * TILE + j) / 4u * GROUP + index] = bitcast<vec4u>(four);
      }
    }
    let m_end = min(m_first + 8u * (block + 4u), dims.m);
    var row = index;
    for (var m = m_first + 8u * block; m < m_end; m += 8u) {
      var j = 0u;
      for (var n = n_first; n < n_end; n += 8u) {
        let sum = bitcast<i32>(tiles[row + j / 4u * GROUP][j % 4u]);
        finish(m, n, f32(sum) * x_scale[m]);
        j++;
      }
      row += TILE / 4u * GROUP;
    }
  }
}

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let columns = (dims.n + 8u * TILE - 1u) / (8u * TILE);
  let tile = group.y * groups.x + group.x;
  let m0 = tile / columns * 8u * TILE;
  let n0 = tile % columns * 8u * TILE; // along n first, so that neighbours share rows of x
  if (m0 >= dims.m) { return; }
  let column = index % STRIPS;
  let filler = index / STRIPS;
  var sums: Sums;
  for (var k0 = 0u; k0 < dims.strips; k0 += STRIPS) {
    let k = k0 + column;
    if (k < dims.strips) {
      for (var i = 0u; i < TILE / 2u; i++) {
        let at = filler + FILLERS * i;
        tiles[at * PITCH + column] = x[min(m0 + at, dims.m - 1u) * dims.strips + k];
        tiles[W_TILE + at * PITCH + column] = load_weight(min(n0 + at, dims.n - 1u), k);
      }
    }
    workgroupBarrier();
    let strips = min(STRIPS, dims.strips - k0);
    for (var s = 0u; s < strips; s++) { multiply_strip(&sums, index, s); }
    workgroupBarrier();
  }
  store_tile(&sums, m0 + index / 8u, n0 + index % 8u, min(n0 + 8u * TILE, dims.n), index);
}
