// include: attention-gradient-softmax
// What every query's softmax came to, over the tile of attention-gradient-tile.wgsl. Every invocation keeps maximum, sum and
// product of its own keys; the eight of a query are joined once, in order.

var<workgroup> of_lanes: array<Softmax, 64u * ROWS>;

fn of_invocation(h: Head) -> array<Softmax, ROWS> {
  let rows = rows_at(h, dims.queries);
  var softmax: array<Softmax, ROWS>;
  for (var i = 0u; i < ROWS; i++) { softmax[i].highest = LOWEST; }
  for (var k0 = 0u; k0 < dims.keys; k0 += COLUMNS) {
    let columns = columns_at(h, dims.keys, k0);
    let s = scores(rows, columns);
    let dp = weight_gradients(rows, columns);
    let valid = attended4(h, k0);
    for (var i = 0u; i < ROWS; i++) { softmax[i] = join4(softmax[i], s[i], dp[i], valid); }
  }
  return softmax;
}

fn compute_statistics(tile: u32, index: u32) {
  if (tile >= dims.batch * dims.heads * tiles_of(dims.queries)) { return; }
  let h = head_of(tile, index, dims.queries);
  let softmax = of_invocation(h);
  for (var i = 0u; i < ROWS; i++) { of_lanes[(h.line + 8u * i) * 8u + h.lane] = softmax[i]; }
  workgroupBarrier();
  let query = h.first - h.line + index; // one invocation a query now
  if (index >= 8u * ROWS || query >= dims.queries) { return; }
  var all = of_lanes[index * 8u];
  for (var lane = 1u; lane < 8u; lane++) { all = join(all, of_lanes[index * 8u + lane]); }
  store_statistics(h, query, all);
}
