// Plain TypeScript references of the kernels that multiply, in f64: loops as the formulas read. They share no code with
// what they check.

export interface Shuffled {
  readonly block: number;
  readonly order: 'DCR' | 'CRD';
}

/** Deterministic numbers in [-scale, scale], different for every seed. */
export function noise(length: number, seed: number, scale = 1): Float32Array {
  let state = (seed * 2654435761) >>> 0;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * scale;
  });
}

/** Φ by its Taylor series around 0, summed in f64: exact to 1e-12 for |x| < 6. */
function normalCdf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 200; n++) {
    term *= (-x * x) / (2 * n);
    sum += term / (2 * n + 1);
  }
  return 0.5 + sum / Math.sqrt(2 * Math.PI);
}

export function activate(x: number, activation: 'none' | 'gelu' | 'leakyRelu' | 'relu'): number {
  if (activation === 'gelu') return x * normalCdf(x);
  if (activation === 'none' || x >= 0) return x;
  return activation === 'relu' ? 0 : 0.01 * x;
}

/** [maps, height, width, channels] → [maps, height * block, width * block, channels / block²]. */
export function depthToSpace(
  x: Float64Array,
  width: number,
  channels: number,
  { block, order }: Shuffled,
): Float64Array {
  const depth = channels / block ** 2;
  const y = new Float64Array(x.length);
  for (let m = 0; m < x.length / channels; m++)
    for (let ky = 0; ky < block; ky++)
      for (let kx = 0; kx < block; kx++)
        for (let c = 0; c < depth; c++) {
          const n = order === 'DCR' ? (ky * block + kx) * depth + c : c * block ** 2 + ky * block + kx;
          const row = Math.floor(m / width) * block + ky;
          y[(row * width * block + (m % width) * block + kx) * depth + c] = x[m * channels + n]!;
        }
  return y;
}

export interface LinearCase {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly period?: number;
  readonly activation?: 'none' | 'gelu' | 'leakyRelu' | 'relu';
  readonly x?: { readonly offset: number; readonly pitch: number };
}

type Values = ArrayLike<number>;

export function linearReference(
  { m, k, n, period = 1, activation = 'none', x: range = { offset: 0, pitch: k } }: LinearCase,
  { x, weight, bias, rows, residual }: { x: Values; weight: Values; bias?: Values; rows?: Values; residual?: Values },
): Float64Array {
  const y = new Float64Array(m * n);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      let sum = (bias?.[j] ?? 0) + (rows?.[(i % period) * n + j] ?? 0);
      for (let l = 0; l < k; l++) sum += x[range.offset + i * range.pitch + l]! * weight[j * k + l]!;
      y[i * n + j] = activate(sum, activation) + (residual?.[i * n + j] ?? 0);
    }
  return y;
}

export interface Conv2dCase {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly channels2?: number;
  readonly outChannels: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly activation?: 'none' | 'gelu' | 'leakyRelu' | 'relu';
}

/** [batch, outHeight, outWidth, outChannels]; x and x2 NHWC, weight OHWI. */
export function conv2dReference(
  dims: Conv2dCase,
  { x, x2, weight, bias, gate }: { x: Values; x2?: Values; weight: Values; bias?: Values; gate?: Values },
): Float64Array {
  const { batch, height, width, channels, channels2 = 0, outChannels, kernelHeight, kernelWidth } = dims;
  const { stride = 1, padding = 0, activation = 'none' } = dims;
  const outHeight = Math.floor((height + 2 * padding - kernelHeight) / stride) + 1;
  const outWidth = Math.floor((width + 2 * padding - kernelWidth) / stride) + 1;
  const all = channels + channels2;
  const source = (pixel: number, c: number) =>
    c < channels ? x[pixel * channels + c]! : x2![pixel * channels2 + c - channels]!;
  const y = new Float64Array(batch * outHeight * outWidth * outChannels);
  for (let m = 0; m < batch * outHeight * outWidth; m++)
    for (let o = 0; o < outChannels; o++) {
      const b = Math.floor(m / (outHeight * outWidth));
      const top = (Math.floor(m / outWidth) % outHeight) * stride - padding;
      const left = (m % outWidth) * stride - padding;
      let sum = bias?.[o] ?? 0;
      for (let ky = 0; ky < kernelHeight; ky++)
        for (let kx = 0; kx < kernelWidth; kx++) {
          const [iy, ix] = [top + ky, left + kx];
          if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
          for (let c = 0; c < all; c++)
            sum +=
              source((b * height + iy) * width + ix, c) *
              weight[((o * kernelHeight + ky) * kernelWidth + kx) * all + c]!;
        }
      y[m * outChannels + o] = activate(sum, activation) * (gate?.[m] ?? 1);
    }
  return y;
}

/** x [batch, height, width, channels], weight [kernelHeight, kernelWidth, channels]; with `eps`, normalised over channels. */
export function depthwiseReference(
  dims: Omit<Conv2dCase, 'outChannels'>,
  { x, weight, bias }: { x: Values; weight: Values; bias?: Values },
  eps: number | null,
): Float64Array {
  const { batch, height, width, channels, kernelHeight, kernelWidth } = dims;
  const y = new Float64Array(batch * height * width * channels);
  for (let pixel = 0; pixel < batch * height * width; pixel++) {
    const [oy, ox] = [Math.floor(pixel / width) % height, pixel % width];
    const values = y.subarray(pixel * channels, (pixel + 1) * channels);
    for (let c = 0; c < channels; c++) {
      values[c] = bias?.[c] ?? 0;
      for (let ky = 0; ky < kernelHeight; ky++)
        for (let kx = 0; kx < kernelWidth; kx++) {
          const [dy, dx] = [ky - (kernelHeight - 1) / 2, kx - (kernelWidth - 1) / 2];
          if (oy + dy < 0 || oy + dy >= height || ox + dx < 0 || ox + dx >= width) continue;
          values[c]! += x[(pixel + dy * width + dx) * channels + c]! * weight[(ky * kernelWidth + kx) * channels + c]!;
        }
    }
    if (eps === null) continue;
    const mean = values.reduce((a, b) => a + b, 0) / channels;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / channels;
    for (let c = 0; c < channels; c++) values[c] = (values[c]! - mean) / Math.sqrt(variance + eps);
  }
  return y;
}

export interface AttentionCase {
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  readonly headDim: number;
}

interface Tokens {
  readonly data: Values;
  readonly offset: number;
  readonly pitch: number;
}

/** softmax(q kᵀ / √headDim) v; zeros where the mask leaves no key. */
export function attentionReference(
  { batch, queries, keys, heads, headDim }: AttentionCase,
  { q, k, v, mask }: { q: Tokens; k: Tokens; v: Tokens; mask?: Values },
): Float64Array {
  const channels = heads * headDim;
  const out = new Float64Array(batch * queries * channels);
  const read = (t: Tokens, token: number, channel: number) => t.data[t.offset + token * t.pitch + channel]!;
  for (let n = 0; n < batch * queries; n++)
    for (let head = 0; head < heads; head++) {
      const b = Math.floor(n / queries);
      const attended = Array.from({ length: keys }, (_, l) => b * keys + l).filter(l => (mask?.[l] ?? 1) !== 0);
      const scores = attended.map(l => {
        let score = 0;
        for (let d = 0; d < headDim; d++) score += read(q, n, head * headDim + d) * read(k, l, head * headDim + d);
        return score / Math.sqrt(headDim);
      });
      const highest = Math.max(...scores);
      const weights = scores.map(score => Math.exp(score - highest));
      const total = weights.reduce((a, b) => a + b, 0);
      for (let d = 0; d < headDim; d++) {
        const sum = attended.reduce((a, l, i) => a + weights[i]! * read(v, l, head * headDim + d), 0);
        out[n * channels + head * headDim + d] = attended.length === 0 ? 0 : sum / total;
      }
    }
  return out;
}
