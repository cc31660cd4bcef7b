// first[c] = sum over runs r of partial[r,0,c] and second[c] = sum over r of partial[r,1,c]; partial [runs,2,c].
// COLUMNS neighbouring sums a workgroup, SLICES threads each, joined in a fixed order.

struct Dims { c: u32, runs: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read_write> first: array<f32>;
@group(0) @binding(3) var<storage, read_write> second: array<f32>;

var<workgroup> shares: array<f32, COLUMNS * SLICES>;

@compute @workgroup_size(COLUMNS, SLICES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_id) id: vec3u) {
  let wanted = (group.y * groups.x + group.x) * COLUMNS + id.x;
  let column = min(wanted, 2u * dims.c - 1u); // threads past the end stay for the barriers
  var sum = 0.0;
  for (var r = id.y; r < dims.runs; r += SLICES) { sum += partial[r * 2u * dims.c + column]; }
  shares[id.y * COLUMNS + id.x] = sum;
  for (var step = SLICES / 2u; step > 0u; step /= 2u) {
    workgroupBarrier();
    if (id.y < step) {
      let mine = id.y * COLUMNS + id.x;
      shares[mine] += shares[mine + step * COLUMNS];
    }
  }
  if (id.y > 0u || wanted >= 2u * dims.c) { return; }
  if (wanted < dims.c) { first[wanted] = shares[id.x]; } else { second[wanted - dims.c] = shares[id.x]; }
}
