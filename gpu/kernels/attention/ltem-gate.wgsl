// include: finite, row-reduce, bilinear
// y = upsample2(N softmax_n(s_n)) over the N = H W cells of each map: the second half of LTEM (section 3.2.3, equation 2).
// s [B,N] f32, y [B,2H,2W] act; bilinear, corners not aligned. LANES threads find their map's maximum
// and sum anew (N numbers: less than a dispatch would cost), then makes GROUP x ITEMS outputs of it.

struct Dims { batch: u32, height: u32, width: u32, blocks: u32 } // blocks: workgroups a map

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> similarity: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<act>;

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let index = group.y * groups.x + group.x;
  let batch = index / dims.blocks;
  if (batch >= dims.batch) { return; }
  let cells = dims.height * dims.width;
  let start = batch * cells;

  var greatest = similarity[start];
  for (var i = local % LANES; i < cells; i += LANES) { greatest = max(greatest, similarity[start + i]); }
  greatest = row_max(greatest, local, LANES);
  var sum = 0.0;
  for (var i = local % LANES; i < cells; i += LANES) { sum += shifted_exp(similarity[start + i], greatest); }
  sum = row_sum(sum, local, LANES);
  let factor = keep(f32(cells) / sum, sum);

  let across = 2u * dims.width;
  let first = (index - batch * dims.blocks) * GROUP * ITEMS + local;
  for (var item = 0u; item < ITEMS; item++) {
    let i = first + item * GROUP;
    if (i >= 4u * cells) { return; }
    let row = i / across;
    let at_y = bilinear_tap(row, 0.5, dims.height);
    let at_x = bilinear_tap(i - row * across, 0.5, dims.width);
    let low = start + at_y.low * dims.width;
    let high = start + at_y.high * dims.width;
    let s = vec4f(similarity[low + at_x.low], similarity[low + at_x.high],
                  similarity[high + at_x.low], similarity[high + at_x.high]);
    let gate = exp(s - greatest) * factor;
    let columns = mix(gate.xz, gate.yw, at_x.part);
    y[4u * start + i] = stored(mix(columns.x, columns.y, at_y.part));
  }
}
