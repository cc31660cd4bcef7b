// Sums and maxima of a row, for either way of joining its threads: row-reduce.wgsl or row-reduce-lanes.wgsl supply
//   fn row_reduce(value, local, width, greatest) -> f32      the maximum where `greatest`, else the sum

fn row_sum(value: f32, local: u32, width: u32) -> f32 { return row_reduce(value, local, width, false); }
fn row_max(value: f32, local: u32, width: u32) -> f32 { return row_reduce(value, local, width, true); }
fn row_join(a: f32, b: f32, greatest: bool) -> f32 { return select(a + b, max(a, b), greatest); }
