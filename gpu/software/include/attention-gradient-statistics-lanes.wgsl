// include: attention-gradient-softmax
// attention-gradient-statistics.wgsl over the tile of attention-gradient-lanes.wgsl: every invocation keeps maximum, sum and
// product of its own keys, for all rows; the lanes are joined once, pair by pair.

fn compute_statistics(tile: u32, lane: u32) {
  if (tile >= dims.batch * dims.heads * tiles_of(dims.queries)) { return; }
  let h = head_of(tile, lane, dims.queries);
  let row = token_at(h.b, dims.queries, h.first + lane, h.head);
  var softmax: array<Softmax, LANES>;
  for (var i = 0u; i < LANES; i++) { softmax[i].highest = LOWEST; }
  for (var k0 = 0u; k0 < dims.keys; k0 += TILE) {
    let columns = columns_at(h, dims.keys, k0);
    let s = scores(row, columns);
    let dp = weight_gradients(row, columns);
    let valid = attended4(h, k0);
    for (var i = 0u; i < LANES; i++) { softmax[i] = join4(softmax[i], s[i], dp[i], valid); }
  }
  var own: Softmax; // of query first + lane
  for (var i = 0u; i < LANES; i++) {
    var all = softmax[i];
    for (var step = LANES / 2u; step > 0u; step /= 2u) {
      let other = Softmax(
        subgroupShuffleXor(all.highest, step),
        subgroupShuffleXor(all.sum, step),
        subgroupShuffleXor(all.product, step),
      );
      all = join(all, other);
    }
    if (i == lane) { own = all; }
  }
  let query = h.first + lane;
  if (query < dims.queries) { store_statistics(h, query, own); }
}
