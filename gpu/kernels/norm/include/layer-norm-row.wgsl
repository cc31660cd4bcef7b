// The rows of layer-norm: row_width() of GROUP threads share one. Needs `row-reduce`. The kernel supplies its dims and
//   fn load(at) -> Packet, fn finish(at, i, Packet), which scales, shifts and stores

fn normalize_rows(group: u32, local: u32) {
  let lanes = row_width();
  let lane = local % lanes;
  let wanted = group * (GROUP / lanes) + local / lanes;
  let row = min(wanted, dims.m - 1u); // threads past the end stay for the barriers
  let start = row * dims.packets;

  var sum = Packet();
  for (var i = lane; i < dims.packets; i += lanes) { sum += load(start + i); }
  let mean = row_sum(total(sum), local, lanes) / dims.count;
  var squares = Packet();
  for (var i = lane; i < dims.packets; i += lanes) {
    let d = load(start + i) - mean;
    squares += d * d;
  }
  let scale = one_over_root(row_sum(total(squares), local, lanes) / dims.count + dims.eps);

  if (wanted >= dims.m) { return; }
  for (var i = lane; i < dims.packets; i += lanes) { finish(start + i, i, (load(start + i) - mean) * scale); }
}
