// The activation of a GEMM's or convolution's epilogue, chosen when the pipeline is made. Needs `gelu` and `leaky-relu`.

override activation: u32 = 0u; // 0 none, 1 gelu, 2 leaky ReLU with slope 0.01

fn activate(x: f32) -> f32 {
  switch activation {
    case 1u: { return gelu(x); }
    case 2u: { return leaky_relu(x, 0.01); }
    default: { return x; }
  }
}
