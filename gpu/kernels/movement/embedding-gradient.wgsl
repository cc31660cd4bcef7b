// dtable[ids[r],:] = sum over rows s with ids[s] = ids[r] of dy[s,:], in the order of s; other rows of dtable are left alone
// (they were filled with zeros before). ids [m], clamped into the table as the forward kernel does; dy [m,d], dtable
// [vocabulary,d]. A workgroup takes 64 packets of columns of one token r: where an earlier row has the same id, that row's workgroup
// does the work and this one ends; so each sum has one owner and one order, without atomics on numbers. Both searches read
// m ids, which a cache holds.

struct Dims { m: u32, d: u32, vocabulary: u32, blocks: u32 } // d in packets; blocks: of 64 of them

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> ids: array<i32>;
@group(0) @binding(2) var<storage, read> dy: array<ActPacket>;
@group(0) @binding(3) var<storage, read_write> dtable: array<ActPacket>;

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
  var sum = Packet(dy[row * dims.d + column]);
  for (var s = row + 1u; s < dims.m; s++) {
    if (token_of(s) == token) { sum += Packet(dy[s * dims.d + column]); }
  }
  dtable[token * dims.d + column] = ActPacket(sum);
}
