// Boxes and sizes of an overlay over a video.

import { describe, expect, test } from 'vitest';
import { contentBox, contentOrigin, overlaySize } from '../../runtime/live/placement.js';

describe('the canvas', () => {
  test('lies over the content box, within border and padding', () => {
    const video = { left: 10, top: 20, width: 400, height: 300, edges: [1, 2, 3, 4] } as const;
    expect(contentBox(video)).toEqual({ left: 14, top: 21, width: 394, height: 296 });
    expect(contentBox({ ...video, width: 3 }).width).toBe(0);
  });

  test('turns about the point that the video turns about', () => {
    expect(contentOrigin('200px 150px', [1, 2, 3, 4])).toBe('196px 149px 0px');
    expect(contentOrigin('0px 0px 5px', [10, 0, 0, 20])).toBe('-20px -10px 5px');
  });
});

describe('the pixels of an overlay', () => {
  const picture = { width: 640, height: 480 };

  test.each([
    ['contain', 1, { width: 320, height: 240 }],
    ['contain', 2, { width: 640, height: 480 }],
    ['contain', 8, { width: 1280, height: 960 }], // no more than twice the picture's own
    ['cover', 1, { width: 800, height: 600 }],
    ['fill', 1, { width: 800, height: 240 }],
    ['none', 2, picture],
    ['scale-down', 1, { width: 320, height: 240 }],
  ])('are those of the screen: %s at a ratio of %d', (fit, ratio, size) => {
    expect(overlaySize({ width: 800, height: 240 }, picture, fit, ratio)).toEqual(size);
  });

  test('of a picture that scale-down leaves alone are the picture’s own', () => {
    expect(overlaySize({ width: 900, height: 900 }, picture, 'scale-down', 2)).toEqual(picture);
  });

  test('keep the proportions of a picture that is too large, and are never none', () => {
    const size = overlaySize({ width: 8000, height: 4000 }, { width: 8000, height: 4000 }, 'contain', 1);
    expect(size.width / size.height).toBeCloseTo(2, 2);
    expect(size.width * size.height).toBeLessThanOrEqual(2 ** 22 * 1.001);
    expect(overlaySize({ width: 0, height: 0 }, picture, 'contain', 1)).toEqual(picture);
    expect(overlaySize({ width: 2, height: 2 }, { width: 9000, height: 1 }, 'contain', 0.1)).toEqual({
      width: 1,
      height: 1,
    });
  });
});
