// Named configurations of `tmca train --config` for TMCA, as files would have them. What a preset does not say is the default.

const nano = {
  model: {
    name: 'nano-128',
    image_size: 128,
    depths: [2, 2, 4, 2],
    dims: [24, 48, 96, 192],
    text_layers: 3,
    text_dim: 96,
    text_heads: 4,
    text_ffn: 192,
    max_positions: 64,
    heads: 4,
    head_channels: 8,
    max_text_length: 24,
    tau_enhance: 4,
    contrastive_weight: 0.1,
  },
  epochs: 20,
  batch: 16,
  lr: 1.5e-3,
  warmup_steps: 100,
  weight_decay: 0.05,
  clip: 1,
  ema: 0.99,
  patience: 0,
  freeze: [],
  augment: {
    zoom: { probability: 0.5, min: 0.9, max: 1.3 },
    jitter: { probability: 0.5, brightness: 0.2, contrast: 0.2, saturation: 0.2 },
    flip: { probability: 0.5 },
  },
} as const;

/** Keys as in a configuration file; checked like one (`parseTrainConfig`). */
export const tmcaPresets = {
  /** The paper's network and settings, all defaults: ConvNeXt-Tiny and a BERT-base text encoder at 224 x 224. */
  full: {
    model: { name: 'tmca-full' },
  },
  /**
   * The network of the shipped model, which trains from nothing: its text encoder is no pretrained one, so it is not frozen, and
   * a small network that sees few pictures many times needs stronger augmentation. Its card says what it reached.
   */
  nano,
  /**
   * The same network told much or little, in many wordings, down to nothing: for `--init` with a model of `nano`, which already
   * knows whole captions.
   */
  'nano-any': {
    ...nano,
    model: { ...nano.model, name: 'nano-any-128', text: 'optional' },
    lr: 7e-4,
    augment: {
      ...nano.augment,
      text: { none: 0.2, bare: 0.1, part: 0.35, paraphrase: 0.5, synonyms: 0.5, typos: 0.05 },
    },
  },
} as const satisfies Readonly<Record<string, object>>;
