// What is used of @tensorflow/tfjs-core. Its own types come with the peer, which nothing of the package depends on.

export interface TfTensor {
  readonly shape: readonly number[];
  data(): Promise<Float32Array>;
  dispose(): void;
}

export interface TfVariable extends TfTensor {
  readonly name: string;
  assign(value: TfTensor): void;
}

type Operand = TfTensor | number;
type Unary = (x: TfTensor) => TfTensor;
type Binary = (a: Operand, b: Operand) => TfTensor;
type Reduce = (x: TfTensor, axes?: number | readonly number[], keepDims?: boolean) => TfTensor;

export interface TfOptimizer {
  applyGradients(gradients: Readonly<Record<string, TfTensor>>): void;
  dispose(): void;
}

export interface Tf {
  readonly version_core: string;
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  removeBackend(name: string): void;
  tidy<T>(work: () => T): T;
  keep<T extends TfTensor>(tensor: T): T;
  tensor(values: Float32Array | Int32Array, shape: readonly number[], dtype?: 'float32' | 'int32'): TfTensor;
  variable(value: TfTensor, trainable: boolean, name: string): TfVariable;
  variableGrads(
    loss: () => TfTensor,
    variables: readonly TfVariable[],
  ): { readonly value: TfTensor; readonly grads: Readonly<Record<string, TfTensor>> };
  readonly train: { adam(rate: number, beta1: number, beta2: number, epsilon: number): TfOptimizer };
  readonly neg: Unary;
  readonly exp: Unary;
  readonly log: Unary;
  readonly sqrt: Unary;
  readonly rsqrt: Unary;
  readonly reciprocal: Unary;
  readonly square: Unary;
  readonly sigmoid: Unary;
  readonly softplus: Unary;
  readonly erf: Unary;
  readonly step: Unary;
  readonly softmax: Unary;
  readonly logSoftmax: Unary;
  readonly add: Binary;
  readonly sub: Binary;
  readonly mul: Binary;
  readonly div: Binary;
  readonly maximum: Binary;
  readonly minimum: Binary;
  readonly sum: Reduce;
  readonly mean: Reduce;
  readonly max: Reduce;
  cast(x: TfTensor, dtype: 'float32'): TfTensor;
  leakyRelu(x: TfTensor, alpha: number): TfTensor;
  moments(x: TfTensor, axis: number): { readonly mean: TfTensor; readonly variance: TfTensor };
  matMul(a: TfTensor, b: TfTensor, transposeA?: boolean, transposeB?: boolean): TfTensor;
  conv2d(
    x: TfTensor,
    weight: TfTensor,
    stride: number,
    padding: number,
    layout: 'NHWC',
    dilation: number,
    rounding: 'floor',
  ): TfTensor;
  maxPool(x: TfTensor, size: number, stride: number, padding: number, rounding: 'floor'): TfTensor;
  depthwiseConv2d(x: TfTensor, weight: TfTensor, stride: number, padding: 'same'): TfTensor;
  gather(table: TfTensor, ids: TfTensor): TfTensor;
  reshape(x: TfTensor, shape: readonly number[]): TfTensor;
  transpose(x: TfTensor, order: readonly number[]): TfTensor;
  slice(x: TfTensor, begin: readonly number[], size: readonly number[]): TfTensor;
  concat(parts: readonly TfTensor[], axis: number): TfTensor;
  stack(parts: readonly TfTensor[]): TfTensor;
  broadcastTo(x: TfTensor, shape: readonly number[]): TfTensor;
}
