// What the weight gradients of a linear layer and of a convolution share: the matrix A = dy [m,a], and the gradient out [a,b],
// or with several runs [runs,a,b]. In packets of four, a and b are multiples of four. Needs `outer-tile`'s dims.

@group(0) @binding(1) var<storage, read> dy: array<ActPacket>;
@group(0) @binding(3) var<storage, read_write> out: array<ActPacket>;

fn load_a(m: u32, quad: u32) -> vec4f {
  if (PACKET == 4u) { return wide(Packet(dy[m * (dims.a / 4u) + quad])); }
  var value = vec4f();
  for (var i = 4u * quad; i < min(4u * quad + 4u, dims.a); i++) { value[i % 4u] = wide(Packet(dy[m * dims.a + i])).x; }
  return value;
}

fn store_quad(run: u32, a: u32, quad: u32, value: vec4f) {
  if (PACKET == 4u) {
    if (4u * quad < dims.b) { out[(run * dims.a + a) * (dims.b / 4u) + quad] = ActPacket(narrow(value)); }
    return;
  }
  let row = (run * dims.a + a) * dims.b;
  for (var i = 4u * quad; i < min(4u * quad + 4u, dims.b); i++) {
    out[row + i] = ActPacket(narrow(vec4f(value[i % 4u])));
  }
}
