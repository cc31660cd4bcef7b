// Lesions drawn on the device: the probabilities that lie there, enlarged as the mask of `segment` is, become area and outline.

import { check } from '../../../../errors/index.js';
import { type BufferRange, CommandPlan } from '../../../../gpu/commands.js';
import type { Uniforms } from '../../../../gpu/kernel.js';
import source from '../../../../gpu/kernels/live/overlay.wgsl?raw';
import { maskProbability } from '../../../../gpu/kernels/movement/mask.js';
import type { PipelineCache } from '../../../../gpu/pipelines.js';
import { assembleShader } from '../../../../gpu/shader.js';
import { uniformFields, writeUniforms } from '../../../../gpu/uniforms.js';
import type { OverlayLook } from '../../../live/live-engine.js';

/** Passes in their order, by the name of their function in the shader, and what each draws into. */
const PASSES = ['lesion', 'rows', 'paint'] as const;
type Pass = (typeof PASSES)[number];
const formats = { lesion: 'r8unorm', rows: 'rg8unorm' } as const;

const fields = uniformFields('overlay', source);

/** Pixels; distances to an edge are bytes. */
const MAX_OUTLINE = 64;

/** What depends on the canvas' size. */
interface Fitted {
  readonly width: number;
  readonly height: number;
  readonly textures: readonly GPUTexture[];
  readonly views: readonly GPUTextureView[];
  readonly groups: Readonly<Record<Pass, GPUBindGroup>>;
}

export class Overlay {
  #fitted: Fitted | undefined;
  readonly #bytes: Uint8Array<ArrayBuffer>;

  private constructor(
    private readonly pipelines: PipelineCache,
    private readonly size: number,
    private readonly render: Readonly<Record<Pass, GPURenderPipeline>>,
    private readonly probabilities: CommandPlan,
    private readonly buffers: Readonly<Record<'look' | 'probability' | 'allowed', GPUBuffer>>,
  ) {
    this.#bytes = new Uint8Array(buffers.allowed.size);
  }

  /**
   * @param logits [size, size] f32
   * @param format of what is drawn into
   * Errors: GPU_LIMIT, GPU_OUT_OF_MEMORY, GPU_FAILED, SHADER_INVALID, DEVICE_LOST, DISPOSED.
   */
  static async create(
    pipelines: PipelineCache,
    size: number,
    logits: BufferRange,
    format: GPUTextureFormat,
  ): Promise<Overlay> {
    const { gpu } = pipelines;
    const count = size * size;
    const made: GPUBuffer[] = [];
    const buffer = async (label: string, bytes: number, usage: GPUBufferUsageFlags) => {
      made.push(await gpu.createBuffer({ label: `overlay ${label}`, size: bytes, usage, kind: 'other' }));
      return made.at(-1)!;
    };
    try {
      const buffers = {
        look: await buffer('look', 4 * fields.length, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST),
        probability: await buffer('probability', 4 * count, GPUBufferUsage.STORAGE),
        allowed: await buffer('allowed', 4 * Math.ceil(count / 4), GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST),
      };
      const out = { buffer: buffers.probability, offset: 0, size: 4 * count };
      const sigmoid = maskProbability({ count }, { x: logits, out }, { act: 'f32' });
      const render = await renderPipelines(pipelines, format);
      const probabilities = await CommandPlan.create(pipelines, 'overlay', [sigmoid]);
      return new Overlay(pipelines, size, render, probabilities, buffers);
    } catch (error) {
      for (const each of made) gpu.destroyBuffer(each);
      throw error;
    }
  }

  /**
   * Draws what the logits are now.
   *
   * @param target asked for when all else is ready: a canvas' texture is good for the task in which it was given
   * Errors: BAD_ARGUMENT, GPU_LIMIT, GPU_OUT_OF_MEMORY, GPU_FAILED, DEVICE_LOST, DISPOSED.
   */
  async draw(
    allowed: Uint8Array,
    width: number,
    height: number,
    look: OverlayLook,
    target: () => GPUTexture,
  ): Promise<void> {
    const { gpu } = this.pipelines;
    check(
      allowed.length === this.size * this.size,
      'BAD_ARGUMENT',
      `draw: allowed must have ${this.size * this.size} bytes, got ${allowed.length}; give one for each pixel of the network`,
    );
    const uniforms = lookBytes(this.size, width, height, look);
    const { views, groups } = await this.#fit(width, height);
    this.#bytes.set(allowed);
    await gpu.scoped('draw', () => {
      const { queue } = gpu.device;
      queue.writeBuffer(this.buffers.look, 0, uniforms);
      queue.writeBuffer(this.buffers.allowed, 0, this.#bytes);
      const encoder = gpu.device.createCommandEncoder({ label: 'overlay' });
      this.probabilities.encode(encoder);
      for (const [i, name] of PASSES.entries()) {
        const view = views[i] ?? target().createView();
        const attachment = { view, loadOp: 'clear', storeOp: 'store' } as const;
        const pass = encoder.beginRenderPass({ label: `overlay ${name}`, colorAttachments: [attachment] });
        pass.setPipeline(this.render[name]);
        pass.setBindGroup(0, groups[name]);
        pass.draw(3);
        pass.end();
      }
      queue.submit([encoder.finish()]);
    });
  }

  /** Frees everything. Twice is fine. */
  dispose(): void {
    this.probabilities.dispose();
    for (const buffer of Object.values(this.buffers)) this.pipelines.gpu.destroyBuffer(buffer);
    this.#release();
  }

  async #fit(width: number, height: number): Promise<Fitted> {
    const last = this.#fitted;
    if (last?.width === width && last.height === height) return last;
    const { gpu } = this.pipelines;
    const most = gpu.limits.maxTextureDimension2D;
    check(
      [width, height].every(side => Number.isInteger(side) && side >= 1 && side <= most),
      'BAD_ARGUMENT',
      `draw: width and height must be integers in 1..${most}, got ${width} and ${height}; give the canvas fewer pixels`,
    );
    this.#release();
    const usage = GPUTextureUsage.RENDER_ATTACHMENT | GPUTextureUsage.TEXTURE_BINDING;
    const textures: GPUTexture[] = [];
    try {
      for (const name of ['lesion', 'rows'] as const)
        textures.push(
          await gpu.createTexture({ label: `overlay ${name}`, size: [width, height], format: formats[name], usage }),
        );
      const views = textures.map(texture => texture.createView());
      const groups = await gpu.scoped('overlay groups', () => this.#groups(views));
      this.#fitted = { width, height, textures, views, groups };
    } catch (error) {
      for (const texture of textures) gpu.destroyTexture(texture);
      throw error;
    }
    return this.#fitted;
  }

  #groups(views: readonly GPUTextureView[]): Fitted['groups'] {
    const { look, probability, allowed } = this.buffers;
    const operands = [{ buffer: look }, { buffer: probability }, { buffer: allowed }, ...views];
    const group = (name: Pass, bindings: readonly number[]) =>
      this.pipelines.gpu.device.createBindGroup({
        label: `overlay ${name}`,
        layout: this.render[name].getBindGroupLayout(0),
        entries: bindings.map(binding => ({ binding, resource: operands[binding]! })),
      });
    return { lesion: group('lesion', [0, 1, 2]), rows: group('rows', [0, 3]), paint: group('paint', [0, 3, 4]) };
  }

  #release(): void {
    for (const texture of this.#fitted?.textures ?? []) this.pipelines.gpu.destroyTexture(texture);
    this.#fitted = undefined;
  }
}

async function renderPipelines(
  pipelines: PipelineCache,
  format: GPUTextureFormat,
): Promise<Record<Pass, GPURenderPipeline>> {
  const { gpu } = pipelines;
  const code = assembleShader({ name: 'overlay', source, act: 'f32' }, gpu.features, gpu.includes);
  const module = await gpu.scoped('compile overlay', () => gpu.device.createShaderModule({ label: 'overlay', code }));
  const made = PASSES.map(name => {
    const targets = [{ format: name === 'paint' ? format : formats[name] }];
    const work = gpu.device.createRenderPipelineAsync({
      label: `overlay ${name}`,
      layout: 'auto',
      vertex: { module, entryPoint: 'corner' },
      fragment: { module, entryPoint: name, targets },
    });
    return gpu.guard(`compile overlay ${name}`, work);
  });
  const [lesion, rows, paint] = await Promise.all(made);
  return { lesion: lesion!, rows: rows!, paint: paint! };
}

/** The shader's `Look`. */
function lookBytes(size: number, width: number, height: number, look: OverlayLook): ArrayBuffer {
  const { threshold, color, fill, outline } = look;
  check(
    outline >= 0 && outline <= MAX_OUTLINE,
    'BAD_ARGUMENT',
    `draw: outline must be in 0..${MAX_OUTLINE} pixels, got ${outline}; draw it thinner`,
  );
  const [red, green, blue] = color;
  const values: Uniforms = {
    ...{ size, width, height, reach: outline > 0 ? Math.ceil(outline) + 1 : 0 },
    ...{ scale_y: size / height, scale_x: size / width, threshold, fill, outline, red, green, blue },
  };
  const bytes = new ArrayBuffer(4 * fields.length);
  writeUniforms(new DataView(bytes), { kernel: 'overlay', fields, values });
  return bytes;
}
