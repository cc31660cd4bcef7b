// The two source positions of target position i and the weight of the second; corners not aligned, edges clamped.
// scale: source length / target length. torch.nn.functional.interpolate, mode bilinear, align_corners=False.

struct BilinearTap { low: u32, high: u32, part: f32 }

fn bilinear_tap(i: u32, scale: f32, length: u32) -> BilinearTap {
  let at = max((f32(i) + 0.5) * scale - 0.5, 0.0);
  let low = min(u32(at), length - 1u);
  return BilinearTap(low, min(low + 1u, length - 1u), at - f32(low));
}
