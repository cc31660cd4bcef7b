// Which of q, k, v and dy are rows and which columns in the sums over columns that dq, dk and dv are, whoever deals them to
// invocations: attention-gradient-sums.wgsl or attention-gradient-sums-lanes.wgsl. `at` counts elements.

override kind: u32 = 0u; // 0 dq: rows are queries, columns keys; 1 dk and 2 dv: rows are keys, columns queries

@group(0) @binding(6) var<storage, read> statistics: array<vec2f>; // [batch, queries, heads]: log of the sum, delta

fn row_score(at: u32, strip: u32) -> vec4f {
  if (kind == 0u) { return load_q(at, strip); }
  return load_k(at, strip);
}

fn column_score(at: u32, strip: u32) -> vec4f {
  if (kind == 0u) { return load_k(at, strip); }
  return load_q(at, strip);
}

fn row_value(at: u32, strip: u32) -> vec4f {
  if (kind == 0u) { return load_dy(at, strip); }
  return load_v(at, strip);
}

fn column_value(at: u32, strip: u32) -> vec4f {
  if (kind == 0u) { return load_v(at, strip); }
  return load_dy(at, strip);
}

// What a column's factor multiplies: k of dq, q of dk, dy of dv.
fn load_term(at: u32, strip: u32) -> vec4f {
  if (kind == 2u) { return load_dy(at, strip); }
  return column_score(at, strip);
}

fn statistics_of(h: Head, query: u32) -> vec2f {
  return statistics[(h.b * dims.queries + min(query, dims.queries - 1u)) * dims.heads + h.head];
}

fn row_tokens() -> u32 { return select(dims.keys, dims.queries, kind == 0u); }
fn column_tokens() -> u32 { return select(dims.queries, dims.keys, kind == 0u); }
