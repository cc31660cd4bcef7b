// The source positions that one position of a smaller or larger picture is made of, and their weights: a triangle around its
// centre, widened by the scale when shrinking, as Pillow's BILINEAR (assembly/src/filter.ts). scale: source length / target length.

struct TriangleWindow { first: u32, end: u32, center: f32, unit: f32 }

fn triangle_window(i: u32, scale: f32, length: u32) -> TriangleWindow {
  let widen = max(scale, 1.0);
  let center = (f32(i) + 0.5) * scale;
  let first = min(u32(max(center - widen + 0.5, 0.0)), length - 1u);
  let end = clamp(u32(center + widen + 0.5), first + 1u, length);
  return TriangleWindow(first, end, center - 0.5, 1.0 / widen);
}

fn triangle_weight(window: TriangleWindow, at: u32) -> f32 {
  return max(1.0 - abs((f32(at) - window.center) * window.unit), 0.0);
}
