// embedding-gradient.wgsl where d is a multiple of four: a workgroup takes 64 quads of columns.

struct Dims { m: u32, d: u32, vocabulary: u32, blocks: u32 } // d in quads; blocks: of 64 of them

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> ids: array<i32>;
@group(0) @binding(2) var<storage, read> dy: array<act4>;
@group(0) @binding(3) var<storage, read_write> dtable: array<act4>;

var<workgroup> seen: atomic<u32>;

fn token_of(row: u32) -> u32 { return u32(clamp(ids[row], 0, i32(dims.vocabulary) - 1)); }

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let item = group.y * groups.x + group.x;
  let row = item / dims.blocks;
  if (row >= dims.m) { return; }
  let token = token_of(row);
  for (var s = local; s < row; s += 64u) {
    if (token_of(s) == token) { atomicStore(&seen, 1u); }
  }
  workgroupBarrier();
  let column = item % dims.blocks * 64u + local;
  if (atomicLoad(&seen) == 1u || column >= dims.d) { return; }
  var sum = vec4f(dy[row * dims.d + column]);
  for (var s = row + 1u; s < dims.m; s++) {
    if (token_of(s) == token) { sum += vec4f(dy[s * dims.d + column]); }
  }
  dtable[token * dims.d + column] = act4(sum);
}
