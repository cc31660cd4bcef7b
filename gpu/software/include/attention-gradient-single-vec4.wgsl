// attention-gradient-single.wgsl for packets of four.

fn load_q1(at: u32) -> f32 { return q[at / 4u][at % 4u]; }
fn load_k1(at: u32) -> f32 { return k[at / 4u][at % 4u]; }
fn load_dy1(at: u32) -> f32 { return dy[at / 4u][at % 4u]; }
