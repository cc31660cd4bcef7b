// include: bilinear
// Lesions over a canvas [height, width], drawn in three passes, each one triangle over all of it:
//   lesion      1 where the probability [size, size], enlarged bilinearly, is at least the threshold (as mask.wgsl), and where the
//               nearest of its pixels that are over the threshold is one that may be shown
//   rows        in the same row, how far the nearest pixel of a lesion is, and the nearest outside: 0..254, 255 for beyond reach
//   paint       area and outline, premultiplied. How far the edge is follows exactly from the rows above and below
// The outline lies on the edge, half of it to each side, in a dark halo as wide again that keeps it visible over glare. What is past
// the canvas is outside, so that a lesion at its border has an edge there.

struct Look {
  size: u32, width: u32, height: u32, reach: u32,
  scale_y: f32, scale_x: f32, // size / height, size / width
  threshold: f32, fill: f32, outline: f32, // fill: opacity; outline: pixels
  red: f32, green: f32, blue: f32,
}

const HALO = 0.6; // opacity
const BEYOND = 255u;

@group(0) @binding(0) var<uniform> look: Look;
@group(0) @binding(1) var<storage, read> probability: array<f32>;
@group(0) @binding(2) var<storage, read> allowed: array<u32>; // bytes [size, size], four to a word
@group(0) @binding(3) var lesions: texture_2d<f32>;
@group(0) @binding(4) var distances: texture_2d<f32>;

@vertex
fn corner(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
  return vec4f(select(-1.0, 3.0, i == 1u), select(-1.0, 3.0, i == 2u), 0.0, 1.0);
}

@fragment
fn lesion(@builtin(position) position: vec4f) -> @location(0) vec4f {
  let at = vec2u(position.xy);
  let y = bilinear_tap(at.y, look.scale_y, look.size);
  let x = bilinear_tap(at.x, look.scale_x, look.size);
  let taps = vec4u(vec2u(y.low * look.size) + vec2u(x.low, x.high), vec2u(y.high * look.size) + vec2u(x.low, x.high));
  let p = vec4f(probability[taps.x], probability[taps.y], probability[taps.z], probability[taps.w]);
  let columns = vec2f(1.0 - x.part, x.part);
  let weights = vec4f(columns * (1.0 - y.part), columns * y.part);
  let sides = mix(p.xz, p.yw, x.part);
  var heaviest = 0.0;
  var shown = 0u;
  for (var k = 0u; k < 4u; k++) {
    if (p[k] >= look.threshold && weights[k] > heaviest) {
      heaviest = weights[k];
      shown = (allowed[taps[k] >> 2u] >> (8u * (taps[k] & 3u))) & 255u;
    }
  }
  return vec4f(f32(mix(sides.x, sides.y, y.part) >= look.threshold && shown != 0u));
}

fn is_lesion(x: i32, y: i32) -> bool {
  return x >= 0 && x < i32(look.width) && textureLoad(lesions, vec2i(x, y), 0).r > 0.5;
}

@fragment
fn rows(@builtin(position) position: vec4f) -> @location(0) vec4f {
  let at = vec2i(position.xy);
  let reach = i32(look.reach);
  var nearest = vec2u(BEYOND);
  for (var d = -reach; d <= reach; d++) {
    let found = select(vec2u(BEYOND, u32(abs(d))), vec2u(u32(abs(d)), BEYOND), is_lesion(at.x + d, at.y));
    nearest = min(nearest, found);
  }
  return vec4f(vec2f(nearest) / 255.0, 0.0, 0.0);
}

// Pixels from the centre of a pixel to the edge between lesion and outside.
fn edge_distance(at: vec2i, inside: bool) -> f32 {
  let reach = i32(look.reach);
  var nearest = BEYOND * BEYOND;
  for (var d = -reach; d <= reach; d++) {
    let y = at.y + d;
    var along = vec2u(BEYOND, 0u);
    if (y >= 0 && y < i32(look.height)) {
      along = vec2u(textureLoad(distances, vec2i(at.x, y), 0).rg * 255.0 + 0.5);
    }
    let across = select(along.x, along.y, inside);
    nearest = min(nearest, across * across + u32(d * d));
  }
  return sqrt(f32(nearest)) - 0.5;
}

@fragment
fn paint(@builtin(position) position: vec4f) -> @location(0) vec4f {
  let at = vec2i(position.xy);
  let inside = is_lesion(at.x, at.y);
  let color = vec3f(look.red, look.green, look.blue);
  let edge = edge_distance(at, inside);
  let halo = HALO * clamp(look.outline - edge + 0.5, 0.0, 1.0);
  let line = clamp(0.5 * look.outline - edge + 0.5, 0.0, 1.0);
  let area = vec4f(color, 1.0) * (look.fill * f32(inside));
  let shaded = area * (1.0 - halo) + vec4f(0.0, 0.0, 0.0, halo);
  return shaded * (1.0 - line) + vec4f(color, 1.0) * line;
}
