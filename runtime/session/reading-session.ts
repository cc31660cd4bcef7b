// A session that reads an image in its turn, so that no frame overtakes one that is still being decoded.

import type { Pixels, Report, Segmentation, SegmentOptions, Session } from '../types.js';

/** Pixels that are there only when a frame's turn comes: a file is decoded then. */
export type PixelReader = () => Promise<Pixels>;

export interface ReadingSession extends Session {
  segment(image: Pixels | PixelReader, report: Report | null, options?: SegmentOptions): Promise<Segmentation>;
}
