// include: row-reduce, layer-norm-gradient-row
// dx = (g - mean(g) - n mean(g n)) / sqrt(var(x) + eps), per row, with n = (x - mean(x)) / sqrt(var(x) + eps) and
// g = dy weight (dy where there is no weight). x, dy, dx [m,c]; weight [c]; also the mean and 1 / sqrt(var + eps) of
// every row, [m] pairs. LANES threads a row, ROWS rows a workgroup; population variance in two passes.
// Source: torch.nn.functional.layer_norm's gradient.

@group(0) @binding(1) var<storage, read> x: array<ActPacket>;
@group(0) @binding(2) var<storage, read> dy: array<ActPacket>;
@group(0) @binding(3) var<storage, read> weight: array<Packet>;
@group(0) @binding(4) var<storage, read_write> dx: array<ActPacket>;
@group(0) @binding(5) var<storage, read_write> statistics: array<vec2f>;

fn load_x(i: u32) -> Packet { return Packet(x[i]); }
fn load_dy(i: u32) -> Packet { return Packet(dy[i]); }
fn load_weight(i: u32) -> Packet { return weight[i]; }
fn store(i: u32, value: Packet) { dx[i] = ActPacket(value); }

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  normalize_back(group.y * groups.x + group.x, local);
}
