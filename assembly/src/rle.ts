// Run lengths in COCO's order: down the columns, left to right, the first run of zeros (perhaps 0 long). Columns are
// taken 32 at a time, one word of every row, copied together first: a walk down a bitmap would miss the cache at each row.

import { Bitmap, bitmapRow } from './bitmap';
import { clearList, push } from './list';

/** Leaves the run lengths in the list. */
export function encodeRuns(b: Bitmap): void {
  clearList();
  const strip = heap.alloc((<usize>b.height) << 2);
  let value: u32 = 0;
  let run = 0;
  for (let i: usize = 0, n = <usize>b.words; i < n; ++i) {
    for (let y = 0; y < b.height; ++y) {
      store<u32>(strip + ((<usize>y) << 2), load<u32>(bitmapRow(b, y) + (i << 2)));
    }
    const end = min(32, b.width - ((<i32>i) << 5));
    for (let x = 0; x < end; ++x) {
      for (let y: usize = 0, m = (<usize>b.height) << 2; y < m; y += 4) {
        const bit = (load<u32>(strip + y) >> x) & 1;
        if (bit != value) {
          push(run);
          run = 0;
          value = bit;
        }
        ++run;
      }
    }
  }
  push(run);
  heap.free(strip);
}
