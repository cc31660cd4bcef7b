// The rows of layer-norm: row_width() of GROUP threads share one. Needs `row-reduce`. The kernel supplies, for Packet (f32 or vec4f):
//   fn load(at) -> Packet, fn finish(at, i, Packet), which scales, shifts and stores, and fn total(Packet) -> f32

struct Dims {
  m: u32,
  units: u32, // packets of a row
  eps: f32,
  count: f32, // elements of a row
  rounds: u32, // 3, which compilers do not know
  lanes: u32, // that share a row where threads are many
  has_pre: u32, has_affine: u32, has_post: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;

fn normalize_rows(group: u32, local: u32) {
  let lanes = row_width();
  let lane = local % lanes;
  let wanted = group * (GROUP / lanes) + local / lanes;
  let row = min(wanted, dims.m - 1u); // threads past the end stay for the barriers
  let start = row * dims.units;

  var sum = Packet();
  for (var i = lane; i < dims.units; i += lanes) { sum += load(start + i); }
  let mean = row_sum(total(sum), local, lanes) / dims.count;
  var squares = Packet();
  for (var i = lane; i < dims.units; i += lanes) {
    let d = load(start + i) - mean;
    squares += d * d;
  }
  let scale = one_over_root(row_sum(total(squares), local, lanes) / dims.count + dims.eps);

  if (wanted >= dims.m) { return; }
  for (var i = lane; i < dims.units; i += lanes) { finish(start + i, i, (load(start + i) - mean) * scale); }
}
