// resize: Resize, bilinear, by centres of pixels, over the two axes of a map.

import type { ResizeAttrs } from '../../../graph/ops/resize.js';
import type { OnnxRule } from '../rule.js';

export const resize: OnnxRule<ResizeAttrs> = {
  width: 'follow',
  emit(c) {
    const attrs = { mode: 'linear', coordinate_transformation_mode: 'half_pixel', axes: [2, 3] };
    const sizes = c.integers([c.attrs.height, c.attrs.width]);
    return { name: c.node('Resize', [c.value(0, 'first'), '', '', sizes], attrs), layout: 'first' };
  },
};
