// The module's memory, as the host sees it. Nothing here is managed: every block is asked for and given back by hand, so
// no collector runs and addresses never move (views may still detach: growing the memory replaces its ArrayBuffer).

/** A block of `bytes` bytes, 16-byte aligned, contents undefined. Traps where the memory cannot grow. */
export function alloc(bytes: usize): usize {
  return heap.alloc(bytes);
}

/** Gives a block back; 0 is fine. */
export function free(address: usize): void {
  if (address) heap.free(address);
}
