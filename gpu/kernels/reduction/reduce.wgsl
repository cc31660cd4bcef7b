// include: finite
// y[o,i] = sum, mean or max over k of x[o,k,i]; x [outer,n,inner], y [outer,inner] act, accumulated in f32.
// A workgroup makes COLUMNS neighbouring outputs; SLICES threads share one, thread s taking k = s, s + SLICES, …, and
// are joined in a fixed order. With inner = 1 neighbouring slices read neighbouring numbers, with a large inner
// neighbouring columns do. mode: 0 sum, 1 mean, 2 max.

struct Dims { outputs: u32, n: u32, inner: u32 }

override mode: u32 = 0u;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<act>;
@group(0) @binding(2) var<storage, read_write> y: array<act>;

var<workgroup> partial: array<f32, COLUMNS * SLICES>;

fn join(a: f32, b: f32) -> f32 {
  if (mode == 2u) { return keep(keep(max(a, b), a), b); }
  return a + b;
}

fn join4(a: vec4f, b: vec4f) -> vec4f {
  if (mode == 2u) { return keep4(keep4(max(a, b), a), b); }
  return a + b;
}

fn load(at: u32) -> f32 { return f32(x[at]); }

@compute @workgroup_size(COLUMNS, SLICES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_id) id: vec3u) {
  let wanted = (group.y * groups.x + group.x) * COLUMNS + id.x;
  let output = min(wanted, dims.outputs - 1u); // threads past the end stay for the barriers
  let outer = output / dims.inner;
  let start = outer * dims.n * dims.inner + (output - outer * dims.inner);
  let pitch = SLICES * dims.inner;

  // The neutral element: for max, any element of the column.
  let neutral = select(0.0, load(start), mode == 2u);
  // Four accumulators: four loads in flight, and shorter chains of rounding.
  var four = vec4f(neutral);
  var k = id.y;
  var at = start + k * dims.inner;
  for (; k + 3u * SLICES < dims.n; k += 4u * SLICES) {
    four = join4(four, vec4f(load(at), load(at + pitch), load(at + 2u * pitch), load(at + 3u * pitch)));
    at += 4u * pitch;
  }
  var total = join(join(four.x, four.y), join(four.z, four.w));
  for (; k < dims.n; k += SLICES) {
    total = join(total, load(at));
    at += pitch;
  }

  partial[id.y * COLUMNS + id.x] = total;
  for (var step = SLICES / 2u; step > 0u; step /= 2u) {
    workgroupBarrier();
    if (id.y < step) {
      let mine = id.y * COLUMNS + id.x;
      partial[mine] = join(partial[mine], partial[mine + step * COLUMNS]);
    }
  }
  if (id.y > 0u || wanted >= dims.outputs) { return; }
  var result = partial[id.x];
  if (mode == 1u) { result /= f32(dims.n); }
  y[wanted] = stored(result);
}
