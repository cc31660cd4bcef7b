// include: subgroup, row-join
// row-reduce.wgsl for adapters that run on the CPU: a workgroup is one subgroup, and an invocation has a row of its own, since
// joining costs barriers and reading what a neighbour also reads costs no less. Where a kernel still shares a row, among all
// of the subgroup, its invocations join by shuffling; each gets the same bits.

fn row_width() -> u32 { return 1u; }

fn row_reduce(value: f32, local: u32, width: u32, greatest: bool) -> f32 {
  var joined = value;
  for (var step = width / 2u; step > 0u; step /= 2u) { joined = row_join(joined, across(joined, step), greatest); }
  return joined;
}
