// The body of ltem and ltem-vec4, which differ in how they read: they give `dims`, the output `y`, products(cell, batch,
// lane), a lane's share of (x·t, x·x), and text_square(batch, local), a thread's share of t·t. Needs: row-reduce, bilinear.
//
// The map is worked off in tiles of dims.tile_height x dims.tile_width cells, whose similarities, with a border of one
// cell for the upsampling, fit `similarity`. The usual map is one tile; more are computed twice, for the sum and for the
// output. Tile constants: GROUP = 256 threads, LANES of which share a cell, CELLS = 3,600.

const EPS = 1e-12; // torch.nn.functional.normalize

// 14,400 bytes; with row_partial 15,424 of the 16,384 that every device has.
var<workgroup> similarity: array<f32, CELLS>;

struct Box { y: u32, x: u32, height: u32, width: u32 }

fn tile_box(tile: u32) -> Box {
  let across = (dims.width + dims.tile_width - 1u) / dims.tile_width;
  let y = tile / across * dims.tile_height;
  let x = tile % across * dims.tile_width;
  return Box(y, x, min(dims.tile_height, dims.height - y), min(dims.tile_width, dims.width - x));
}

// One cell more on every side that has one.
fn with_border(own: Box) -> Box {
  let y = max(own.y, 1u) - 1u;
  let x = max(own.x, 1u) - 1u;
  return Box(y, x, min(own.y + own.height + 1u, dims.height) - y, min(own.x + own.width + 1u, dims.width) - x);
}

// similarity[cell] = cos(x_cell, t) / tau for the cells of the box, row by row.
fn fill(box: Box, batch: u32, text_norm: f32, local: u32) {
  let cells = box.height * box.width;
  let lane = local % LANES;
  for (var base = 0u; base < cells; base += GROUP / LANES) {
    let wanted = base + local / LANES;
    let cell = min(wanted, cells - 1u); // threads past the end stay for the barriers
    let row = cell / box.width;
    let share = products((batch * dims.height + box.y + row) * dims.width + box.x + cell - row * box.width, batch, lane);
    let product = row_sum(share.x, local, LANES);
    let norm = max(sqrt(row_sum(share.y, local, LANES)), EPS);
    if (lane == 0u && wanted < cells) { similarity[cell] = product / (norm * text_norm) / dims.tau; }
  }
  workgroupBarrier();
}

// The outputs above the cells of `own`, from the gates of the cells of `box`.
fn emit(own: Box, box: Box, batch: u32, local: u32) {
  let across = 2u * own.width;
  for (var i = local; i < 4u * own.height * own.width; i += GROUP) {
    let row = 2u * own.y + i / across;
    let column = 2u * own.x + i % across;
    let at_y = bilinear_tap(row, 0.5, dims.height);
    let at_x = bilinear_tap(column, 0.5, dims.width);
    let low = (at_y.low - box.y) * box.width;
    let high = (at_y.high - box.y) * box.width;
    let top = mix(similarity[low + at_x.low - box.x], similarity[low + at_x.high - box.x], at_x.part);
    let bottom = mix(similarity[high + at_x.low - box.x], similarity[high + at_x.high - box.x], at_x.part);
    y[(batch * 2u * dims.height + row) * 2u * dims.width + column] = act(mix(top, bottom, at_y.part));
  }
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let batch = group.y * groups.x + group.x;
  if (batch >= dims.batch) { return; }
  let text_norm = max(sqrt(row_sum(text_square(batch, local), local, GROUP)), EPS);
  let tiles = (dims.height + dims.tile_height - 1u) / dims.tile_height *
              ((dims.width + dims.tile_width - 1u) / dims.tile_width);

  // The softmax's maximum and sum, kept up to date while the tiles pass.
  var greatest = -3.4e38;
  var sum = 0.0;
  for (var tile = 0u; tile < tiles; tile++) {
    let own = tile_box(tile);
    let box = with_border(own);
    fill(box, batch, text_norm, local);
    for (var i = local; i < own.height * own.width; i += GROUP) {
      let row = i / own.width;
      let s = similarity[(own.y - box.y + row) * box.width + own.x - box.x + i - row * own.width];
      let higher = max(greatest, s);
      sum = sum * exp(greatest - higher) + exp(s - higher);
      greatest = higher;
    }
    workgroupBarrier();
  }
  let highest = row_max(greatest, local, GROUP);
  let total = row_sum(sum * exp(greatest - highest), local, GROUP);
  let factor = f32(dims.height * dims.width) / total;

  for (var tile = 0u; tile < tiles; tile++) {
    let own = tile_box(tile);
    let box = with_border(own);
    if (tiles > 1u) { fill(box, batch, text_norm, local); }
    for (var i = local; i < box.height * box.width; i += GROUP) {
      similarity[i] = exp(similarity[i] - highest) * factor;
    }
    workgroupBarrier();
    emit(own, box, batch, local);
    workgroupBarrier();
  }
}
