// include: row-join
// Sum and maximum over `width` neighbouring threads of a workgroup (a power of two, the same for all), in a fixed order.
// All GROUP threads of the workgroup must call; each gets its neighbours' result. Tile constant: GROUP. Kernels that deal rows to
// threads by row_width() have the constant LANES for it.
// Eight threads join a share each, then every thread joins the eight: two barriers where a tree has one a level.

var<workgroup> row_partial: array<f32, GROUP>;

fn row_width() -> u32 { return LANES; }

fn row_reduce(value: f32, local: u32, width: u32, greatest: bool) -> f32 {
  let lane = local % width;
  let first = local - lane;
  let shares = min(width, 8u);
  row_partial[local] = value;
  workgroupBarrier();
  // A share is read by the one thread that overwrites its first place, so no barrier is needed between.
  if (lane < shares) {
    var share = value;
    for (var i = lane + shares; i < width; i += shares) { share = row_join(share, row_partial[first + i], greatest); }
    row_partial[local] = share;
  }
  workgroupBarrier();
  var joined = row_partial[first];
  for (var i = 1u; i < shares; i++) { joined = row_join(joined, row_partial[first + i], greatest); }
  workgroupBarrier(); // the next call overwrites the partials
  return joined;
}
