// One growing list of i32, shared by the parts whose results have no size known before: contours, distances. The host
// reads it before it calls anything else.

let data: usize = 0;
let length: i32 = 0;
let capacity: i32 = 0;

export function clearList(): void {
  length = 0;
}

export function push(value: i32): void {
  if (length == capacity) {
    capacity = max(256, capacity * 2);
    data = data ? heap.realloc(data, (<usize>capacity) << 2) : heap.alloc((<usize>capacity) << 2);
  }
  store<i32>(data + ((<usize>length) << 2), value);
  ++length;
}

export function listData(): usize {
  return data;
}
export function listLength(): i32 {
  return length;
}

/** Gives the list's memory back; it grows again when used. */
export function freeList(): void {
  if (data) heap.free(data);
  data = 0;
  length = 0;
  capacity = 0;
}
