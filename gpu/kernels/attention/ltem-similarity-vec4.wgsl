// include: finite, row-reduce
// As ltem-similarity, for C a multiple of 4: dims.units = C / 4, and features and text are read in quads.

struct Dims { rows: u32, cells: u32, units: u32, tau: f32 }

const EPS = 1e-12;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<act4>;
@group(0) @binding(2) var<storage, read> text: array<act4>;
@group(0) @binding(3) var<storage, read_write> similarity: array<f32>;

fn norm_of(square: f32) -> f32 { return keep(max(sqrt(square), EPS), square); }

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let lanes = row_width();
  let lane = local % lanes;
  let wanted = (group.y * groups.x + group.x) * (GROUP / lanes) + local / lanes;
  let row = min(wanted, dims.rows - 1u); // threads past the end stay for the barriers
  let x_start = row * dims.units;
  let text_start = row / dims.cells * dims.units;

  var product = vec4f();
  var x_square = vec4f();
  var text_square = vec4f();
  for (var i = lane; i < dims.units; i += lanes) {
    let f = vec4f(x[x_start + i]);
    let t = vec4f(text[text_start + i]);
    product += f * t;
    x_square += f * f;
    text_square += t * t;
  }
  let x_length = norm_of(row_sum(dot(x_square, vec4f(1.0)), local, lanes));
  let text_length = norm_of(row_sum(dot(text_square, vec4f(1.0)), local, lanes));
  let cosine = row_sum(dot(product, vec4f(1.0)), local, lanes) / (x_length * text_length);
  if (lane == 0u && wanted < dims.rows) { similarity[row] = keep(cosine / dims.tau, x_length * text_length); }
}
