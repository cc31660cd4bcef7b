// include: finite, row-reduce
// s[n] = cos(x_n, t) / tau for the N = H W cells of each map: the first half of LTEM (section 3.2.3, equation 2).
// x [B,N,C], text [B,C] act, s [B,N] f32; dims.rows = B N, dims.packets: of C. Of GROUP threads, row_width() share a cell.
// Lengths below 1e-12 count as 1e-12 (torch.nn.functional.normalize).

struct Dims { rows: u32, cells: u32, packets: u32, tau: f32 }

const EPS = 1e-12;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<ActPacket>;
@group(0) @binding(2) var<storage, read> text: array<ActPacket>;
@group(0) @binding(3) var<storage, read_write> similarity: array<f32>;

fn norm_of(square: f32) -> f32 { return keep(max(sqrt(square), EPS), square); }

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let lanes = row_width();
  let lane = local % lanes;
  let wanted = (group.y * groups.x + group.x) * (GROUP / lanes) + local / lanes;
  let row = min(wanted, dims.rows - 1u); // threads past the end stay for the barriers
  let x_start = row * dims.packets;
  let text_start = row / dims.cells * dims.packets;

  var product = Packet();
  var x_square = Packet();
  var text_square = Packet();
  for (var i = lane; i < dims.packets; i += lanes) {
    let f = Packet(x[x_start + i]);
    let t = Packet(text[text_start + i]);
    product += f * t;
    x_square += f * f;
    text_square += t * t;
  }
  let x_length = norm_of(row_sum(total(x_square), local, lanes));
  let text_length = norm_of(row_sum(total(text_square), local, lanes));
  let cosine = row_sum(total(product), local, lanes) / (x_length * text_length);
  if (lane == 0u && wanted < dims.rows) { similarity[row] = keep(cosine / dims.tau, x_length * text_length); }
}
