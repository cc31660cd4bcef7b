// The gradient of one row's normalisation. LANES invocations share a row, ROWS rows a workgroup; needs `row-reduce`.
// Needs the types of `Shader.packet`. The kernel supplies:
//   fn load_x(i) -> Packet, fn load_dy(i) -> Packet, fn load_weight(i) -> Packet, fn store(i, Packet), the output `statistics`

struct Dims { m: u32, packets: u32, c: u32, eps: f32 }

override has_weight: bool = false;

@group(0) @binding(0) var<uniform> dims: Dims;

// Element i of the row that starts at `start`: the gradient of the normalised value.
fn load_g(start: u32, i: u32) -> Packet {
  if (has_weight) { return load_dy(start + i) * load_weight(i); }
  return load_dy(start + i);
}

fn normalize_back(group: u32, local: u32) {
  let lane = local % LANES;
  let wanted = group * ROWS + local / LANES;
  let row = min(wanted, dims.m - 1u); // threads past the end stay for the barriers
  let start = row * dims.packets;
  let count = f32(dims.c);

  var sum = Packet();
  for (var i = lane; i < dims.packets; i += LANES) { sum += load_x(start + i); }
  let mean = row_sum(total(sum), local, LANES) / count;
  var squares = Packet();
  for (var i = lane; i < dims.packets; i += LANES) {
    let d = load_x(start + i) - mean;
    squares += d * d;
  }
  let scale = inverseSqrt(row_sum(total(squares), local, LANES) / count + dims.eps);

  var sum_g = Packet();
  var sum_gx = Packet();
  for (var i = lane; i < dims.packets; i += LANES) {
    let g = load_g(start, i);
    sum_g += g;
    sum_gx += g * (load_x(start + i) - mean) * scale;
  }
  let mean_g = row_sum(total(sum_g), local, LANES) / count;
  let mean_gx = row_sum(total(sum_gx), local, LANES) / count;

  if (wanted >= dims.m) { return; }
  if (lane == 0u) { statistics[row] = vec2f(mean, scale); }
  for (var i = lane; i < dims.packets; i += LANES) {
    let normalized = (load_x(start + i) - mean) * scale;
    store(start + i, (load_g(start, i) - mean_g - normalized * mean_gx) * scale);
  }
}
