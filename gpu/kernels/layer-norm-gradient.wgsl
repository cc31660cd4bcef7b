// include: row-reduce, layer-norm-gradient-row
// dx = (g - mean(g) - n mean(g n)) / sqrt(var(x) + eps), per row, with n = (x - mean(x)) / sqrt(var(x) + eps) and
// g = dy weight (dy where there is no weight). x, dy, dx [m,c]; weight [c]; also the mean and 1 / sqrt(var + eps) of
// every row, [m] pairs. LANES threads a row, ROWS rows a workgroup; population variance in two passes.
// Source: torch.nn.functional.layer_norm's gradient; any c (layer-norm-gradient-vec4 where c divides by 4).

@group(0) @binding(1) var<storage, read> x: array<act>;
@group(0) @binding(2) var<storage, read> dy: array<act>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<act>;
@group(0) @binding(5) var<storage, read_write> statistics: array<vec2f>;

alias Packet = f32;

fn load_x(i: u32) -> Packet { return f32(x[i]); }
fn load_dy(i: u32) -> Packet { return f32(dy[i]); }
fn load_weight(i: u32) -> Packet { return weight[i]; }
fn store(i: u32, value: Packet) { dx[i] = act(value); }
fn total(value: Packet) -> f32 { return value; }

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  normalize_back(group.y * groups.x + group.x, local);
}
