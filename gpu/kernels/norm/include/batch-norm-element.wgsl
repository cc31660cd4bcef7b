// BatchNorm of a packet of channels, forward and back. Needs the types of `Shader.packet`.

struct Dims {
  count: u32, channels: u32, // in packets
  m: u32, rows: u32, runs: u32, // rows in all, and cut into runs
  eps: f32,
  slope: f32, // of the leaky ReLU behind the norm; 0: a ReLU, 1: none
}

@group(0) @binding(0) var<uniform> dims: Dims;

struct Channel { mean: Packet, scale: Packet }

fn channel(mean: Packet, variance: Packet) -> Channel { return Channel(mean, inverseSqrt(variance + dims.eps)); }

fn normal(x: Packet, ch: Channel) -> Packet { return (x - ch.mean) * ch.scale; }

fn leaky(x: Packet) -> Packet { return select(x * dims.slope, x, x > Packet()); }

// What the norm's output gets back: y is what leaves the leaky ReLU, whose sign is the norm's.
fn before_leaky(y: Packet, dy: Packet) -> Packet { return select(dy * dims.slope, dy, y > Packet()); }
