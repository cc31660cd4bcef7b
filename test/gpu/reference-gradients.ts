// Plain TypeScript references of the backward kernels, in f64: what the forward formula multiplies is scattered back, term
// by term. They share no code with what they check, and walk in the other direction where the kernels gather.

import type { AttentionCase, Conv2dCase } from './reference-kernels.js';

type Values = ArrayLike<number>;

/** dx[m,k], dw[n,k] of y[m,n] = Σ_k x[m,k] w[n,k]. */
export function linearGradientReference(
  { m, k, n }: { readonly m: number; readonly k: number; readonly n: number },
  { x, weight, dy }: { readonly x: Values; readonly weight: Values; readonly dy: Values },
): { dx: Float64Array; dw: Float64Array } {
  const dx = new Float64Array(m * k);
  const dw = new Float64Array(n * k);
  for (let row = 0; row < m; row++)
    for (let column = 0; column < n; column++) {
      const g = dy[row * n + column]!;
      for (let i = 0; i < k; i++) {
        dx[row * k + i]! += g * weight[column * k + i]!;
        dw[column * k + i]! += g * x[row * k + i]!;
      }
    }
  return { dx, dw };
}

/** Every multiplication of a convolution: offsets of its output, input and weight. NHWC, OHWI. */
function* products(dims: Conv2dCase): Generator<[y: number, x: number, w: number]> {
  const { batch, height, width, channels, outChannels, kernelHeight, kernelWidth, stride = 1, padding = 0 } = dims;
  const outHeight = Math.floor((height + 2 * padding - kernelHeight) / stride) + 1;
  const outWidth = Math.floor((width + 2 * padding - kernelWidth) / stride) + 1;
  for (let m = 0; m < batch * outHeight * outWidth; m++)
    for (let ky = 0; ky < kernelHeight; ky++)
      for (let kx = 0; kx < kernelWidth; kx++) {
        const b = Math.floor(m / (outHeight * outWidth));
        const iy = (Math.floor(m / outWidth) % outHeight) * stride - padding + ky;
        const ix = (m % outWidth) * stride - padding + kx;
        if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
        const pixel = (b * height + iy) * width + ix;
        for (let o = 0; o < outChannels; o++)
          for (let c = 0; c < channels; c++)
            yield [
              m * outChannels + o,
              pixel * channels + c,
              ((o * kernelHeight + ky) * kernelWidth + kx) * channels + c,
            ];
      }
}

/** dx and dw of a convolution without second source. */
export function conv2dGradientReference(
  dims: Conv2dCase,
  { x, weight, dy }: { readonly x: Values; readonly weight: Values; readonly dy: Values },
): { dx: Float64Array; dw: Float64Array } {
  const dx = new Float64Array(x.length);
  const dw = new Float64Array(weight.length);
  for (const [at, from, w] of products(dims)) {
    dx[from]! += dy[at]! * weight[w]!;
    dw[w]! += dy[at]! * x[from]!;
  }
  return { dx, dw };
}

/** dx and dw of a depthwise convolution that keeps the map's size; weight [kernelHeight, kernelWidth, channels]. */
export function depthwiseGradientReference(
  dims: Omit<Conv2dCase, 'outChannels'>,
  { x, weight, dy }: { readonly x: Values; readonly weight: Values; readonly dy: Values },
): { dx: Float64Array; dw: Float64Array } {
  const { batch, height, width, channels, kernelHeight, kernelWidth } = dims;
  const dx = new Float64Array(x.length);
  const dw = new Float64Array(weight.length);
  for (let pixel = 0; pixel < batch * height * width; pixel++)
    for (let ky = 0; ky < kernelHeight; ky++)
      for (let kx = 0; kx < kernelWidth; kx++) {
        const [down, right] = [ky - (kernelHeight - 1) / 2, kx - (kernelWidth - 1) / 2];
        const [iy, ix] = [(Math.floor(pixel / width) % height) + down, (pixel % width) + right];
        if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
        for (let c = 0; c < channels; c++) {
          const from = (pixel + down * width + right) * channels + c;
          const w = (ky * kernelWidth + kx) * channels + c;
          dx[from]! += dy[pixel * channels + c]! * weight[w]!;
          dw[w]! += dy[pixel * channels + c]! * x[from]!;
        }
      }
  return { dx, dw };
}

/** dq, dk and dv of softmax(q kᵀ / √headDim) v, contiguous; a query that may attend to nothing gives and gets nothing. */
export function attentionGradientReference(
  { batch, queries, keys, heads, headDim }: AttentionCase,
  {
    q,
    k,
    v,
    dy,
    mask,
  }: { readonly q: Values; readonly k: Values; readonly v: Values; readonly dy: Values; readonly mask?: Values },
): { dq: Float64Array; dk: Float64Array; dv: Float64Array } {
  const channels = heads * headDim;
  const dq = new Float64Array(batch * queries * channels);
  const dk = new Float64Array(batch * keys * channels);
  const dv = new Float64Array(batch * keys * channels);
  const dot = (a: Values, i: number, b: Values, j: number) => {
    let sum = 0;
    for (let d = 0; d < headDim; d++) sum += a[i + d]! * b[j + d]!;
    return sum;
  };
  for (let n = 0; n < batch * queries; n++)
    for (let head = 0; head < heads; head++) {
      const b = Math.floor(n / queries);
      const here = n * channels + head * headDim;
      const attended = Array.from({ length: keys }, (_, l) => b * keys + l).filter(l => (mask?.[l] ?? 1) !== 0);
      const at = attended.map(l => l * channels + head * headDim);
      const scores = at.map(there => dot(q, here, k, there) / Math.sqrt(headDim));
      const highest = Math.max(...scores);
      const total = scores.reduce((sum, s) => sum + Math.exp(s - highest), 0);
      const p = scores.map(s => Math.exp(s - highest) / total);
      const dp = at.map(there => dot(dy, here, v, there));
      const delta = p.reduce((sum, weight, i) => sum + weight * dp[i]!, 0);
      for (const [i, there] of at.entries())
        for (let d = 0; d < headDim; d++) {
          const ds = (p[i]! * (dp[i]! - delta)) / Math.sqrt(headDim);
          dq[here + d]! += ds * k[there + d]!;
          dk[there + d]! += ds * q[here + d]!;
          dv[there + d]! += p[i]! * dy[here + d]!;
        }
    }
  return { dq, dk, dv };
}

/** dx [m,c], dweight [c] and dbias [c] of a LayerNorm over rows; weight absent: none. */
export function layerNormGradientReference(
  { m, c, eps }: { readonly m: number; readonly c: number; readonly eps: number },
  { x, dy, weight }: { readonly x: Values; readonly dy: Values; readonly weight?: Values },
): { dx: Float64Array; dweight: Float64Array; dbias: Float64Array } {
  const dx = new Float64Array(m * c);
  const [dweight, dbias] = [new Float64Array(c), new Float64Array(c)];
  const mean = (of: number[]) => of.reduce((a, b) => a + b, 0) / c;
  for (let row = 0; row < m; row++) {
    const at = Array.from({ length: c }, (_, i) => row * c + i);
    const centre = mean(at.map(i => x[i]!));
    const scale = 1 / Math.sqrt(mean(at.map(i => (x[i]! - centre) ** 2)) + eps);
    const normalised = at.map(i => (x[i]! - centre) * scale);
    const g = at.map((i, column) => dy[i]! * (weight?.[column] ?? 1));
    // The Jacobian of the normalisation in full: d n[j] / d x[i] = scale (1[i = j] - 1 / c - n[i] n[j] / c).
    for (let i = 0; i < c; i++) {
      for (let j = 0; j < c; j++)
        dx[at[i]!]! += g[j]! * scale * (Number(i === j) - 1 / c - (normalised[i]! * normalised[j]!) / c);
      dweight[i]! += dy[at[i]!]! * normalised[i]!;
      dbias[i]! += dy[at[i]!]!;
    }
  }
  return { dx, dweight, dbias };
}
