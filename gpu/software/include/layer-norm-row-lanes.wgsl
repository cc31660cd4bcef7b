// layer-norm-row.wgsl for adapters that run on the CPU: an invocation has a row of its own, so nothing is joined by barriers, and the
// three passes over it are one loop with one place that reads (software/lane-includes.ts says why). Sums are added as `dims.lanes` threads
// would add them: the same bits.

fn normalize_rows(group: u32, local: u32) {
  let row = group * GROUP + local;
  if (row >= dims.m) { return; }
  let start = row * dims.packets;
  let shares = min(dims.lanes, 8u);
  var mean = 0.0;
  var scale = 1.0;
  for (var round = 0u; round < dims.rounds; round++) {
    var all = 0.0;
    for (var share = 0u; share < shares; share++) {
      var joined = 0.0;
      for (var lane = share; lane < dims.lanes; lane += shares) {
        var sum = Packet();
        for (var i = lane; i < dims.packets; i += dims.lanes) {
          let value = (load(start + i) - mean) * scale;
          if (round == 2u) {
            finish(start + i, i, value);
          } else {
            sum += value * select(Packet(1.0), value, round == 1u);
          }
        }
        joined += total(sum);
      }
      all += joined;
    }
    let average = all / dims.count;
    if (round == 0u) { mean = average; } else { scale = one_over_root(average + dims.eps); }
  }
}
