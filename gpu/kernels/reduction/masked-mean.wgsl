// y[b,c] = Σ_l x[b,l,c] mask[b,l] / Σ_l mask[b,l]: the mean over the words, padding left out (T_g, section 3.1).
// x [B,L,C] act, mask [B,L] i32, y [B,C] act. One output a thread: neighbours read neighbouring channels.
// Every text must have a word: [CLS] always is one.

struct Dims { outputs: u32, length: u32, channels: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<act>;
@group(0) @binding(2) var<storage, read> mask: array<i32>;
@group(0) @binding(3) var<storage, read_write> y: array<act>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let output = (group.y * groups.x + group.x) * 64u + local;
  if (output >= dims.outputs) { return; }
  let batch = output / dims.channels;
  let channel = output - batch * dims.channels;
  var sum = 0.0;
  var words = 0.0;
  for (var l = 0u; l < dims.length; l++) {
    let word = batch * dims.length + l;
    let m = f32(mask[word]);
    words += m;
    // Padding may hold anything, infinity too: it is left out, not multiplied by zero.
    if (m != 0.0) { sum += m * f32(x[word * dims.channels + channel]); }
  }
  y[output] = stored(sum / words);
}
