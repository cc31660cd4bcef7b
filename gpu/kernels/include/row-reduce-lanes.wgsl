// row-reduce.wgsl for adapters that run on the CPU: how many threads share a row is a number of `Dims`, and loops have no bounds
// that compilers know, so that one small pipeline does for rows of any length. The same sums in the same order.

var<workgroup> row_partial: array<f32, GROUP>;

fn row_width() -> u32 { return dims.lanes; }

fn row_sum(value: f32, local: u32, width: u32) -> f32 {
  let lane = local % width;
  let first = local - lane;
  let shares = min(width, 8u);
  row_partial[local] = value;
  workgroupBarrier();
  if (lane < shares) {
    var share = value;
    for (var at = local + shares; at < first + width; at += shares) { share += row_partial[at]; }
    row_partial[local] = share;
  }
  workgroupBarrier();
  var total = row_partial[first];
  for (var at = first + 1u; at < first + shares; at++) { total += row_partial[at]; }
  workgroupBarrier(); // the next call overwrites the partials
  return total;
}

fn row_max(value: f32, local: u32, width: u32) -> f32 {
  let lane = local % width;
  let first = local - lane;
  let shares = min(width, 8u);
  row_partial[local] = value;
  workgroupBarrier();
  if (lane < shares) {
    var share = value;
    for (var at = local + shares; at < first + width; at += shares) { share = max(share, row_partial[at]); }
    row_partial[local] = share;
  }
  workgroupBarrier();
  var greatest = row_partial[first];
  for (var at = first + 1u; at < first + shares; at++) { greatest = max(greatest, row_partial[at]); }
  workgroupBarrier(); // the next call overwrites the partials
  return greatest;
}
