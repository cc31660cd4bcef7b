// The activation of a GEMM's or convolution's epilogue: kind 0 none, 1 gelu, 2 leaky ReLU with slope 0.01, 3 ReLU. A uniform chooses, as in
// the rest of the epilogue: compiling a product once for each of its epilogues costs more than the branch. Needs `gelu`, `leaky-relu`.

fn activate(x: f32, kind: u32) -> f32 {
  switch kind {
    case 1u: { return gelu(x); }
    case 2u, 3u: { return leaky_relu(x, select(0.01, 0.0, kind == 3u)); }
    default: { return x; }
  }
}
