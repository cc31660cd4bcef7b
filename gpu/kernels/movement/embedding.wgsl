// include: finite, row-reduce
// y[r,:] = row_scale[ids[r]] table[ids[r],:] + positions[r % period,:] + type_row, then LayerNorm with weight and bias if has_norm.
// table [vocabulary,d] weight storage; ids [m] i32, clamped into the table; positions [period,d], type_row, weight, bias
// [d] f32; row_scale [vocabulary] f32; y [m,d] act; d in packets. LANES threads a row, ROWS rows a workgroup. Source: BERT's
// embeddings.

struct Dims { m: u32, d: u32, vocabulary: u32, period: u32, eps: f32 }

override has_positions: bool = false;
override has_type: bool = false;
override has_norm: bool = false;
override has_scale: bool = false;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> table: array<WeightPacket>;
@group(0) @binding(2) var<storage, read> ids: array<i32>;
@group(0) @binding(3) var<storage, read> positions: array<Packet>;
@group(0) @binding(4) var<storage, read> type_row: array<Packet>;
@group(0) @binding(5) var<storage, read> weight: array<Packet>;
@group(0) @binding(6) var<storage, read> bias: array<Packet>;
@group(0) @binding(7) var<storage, read_write> y: array<ActPacket>;
@group(0) @binding(8) var<storage, read> row_scale: array<f32>;

fn load(token: u32, position: u32, i: u32) -> Packet {
  let at = token * dims.d + i;
  var v = unpack_packet(table[packet_index(at)], at);
  if (has_scale) { v *= row_scale[token]; }
  if (has_positions) { v += positions[position * dims.d + i]; }
  if (has_type) { v += type_row[i]; }
  return v;
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let lane = local % LANES;
  let wanted = (group.y * groups.x + group.x) * ROWS + local / LANES;
  let row = min(wanted, dims.m - 1u); // threads past the end stay for the barriers
  let token = u32(clamp(ids[row], 0, i32(dims.vocabulary) - 1));
  let position = row % dims.period;
  let count = f32(PACKET * dims.d);

  var mean = 0.0;
  var scale = 1.0;
  if (has_norm) {
    var sum = Packet();
    for (var i = lane; i < dims.d; i += LANES) { sum += load(token, position, i); }
    mean = row_sum(total(sum), local, LANES) / count;
    var squares = Packet();
    for (var i = lane; i < dims.d; i += LANES) {
      let v = load(token, position, i) - mean;
      squares += v * v;
    }
    scale = one_over_root(row_sum(total(squares), local, LANES) / count + dims.eps);
  }

  if (wanted >= dims.m) { return; }
  for (var i = lane; i < dims.d; i += LANES) {
    var v = load(token, position, i);
    if (has_norm) { v = (v - mean) * scale * weight[i] + bias[i]; }
    y[row * dims.d + i] = stored_packet(v);
  }
}
