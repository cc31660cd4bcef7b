// Plain TypeScript references of the backward kernels, in f64: what the forward formula multiplies is scattered back, term
// by term. They share no code with what they check, and walk in the other direction where the kernels gather.

import type { Conv2dCase } from './reference-kernels.js';

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
