// The 8-connected components of a map at the network's size. The masks of lesions come from the wasm module at the source's size;
// here only their identity over frames is at stake, on some ten thousand pixels.

/** Pixels of each component, by index into the map. */
export function componentsOf(map: Float32Array, size: number, threshold: number): Int32Array[] {
  const seen = new Uint8Array(map.length);
  const found: Int32Array[] = [];
  const todo: number[] = [];
  for (let first = 0; first < map.length; first++) {
    if (seen[first] || !(map[first]! >= threshold)) continue;
    const cells: number[] = [];
    seen[first] = 1;
    todo.push(first);
    for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
      cells.push(at);
      eachNeighbour(at, size, to => {
        if (seen[to] || !(map[to]! >= threshold)) return;
        seen[to] = 1;
        todo.push(to);
      });
    }
    found.push(Int32Array.from(cells));
  }
  return found;
}

/** Calls `visit` with the pixel itself and those around it. */
export function eachNeighbour(at: number, size: number, visit: (to: number) => void): void {
  const x = at % size;
  const y = (at - x) / size;
  for (let row = Math.max(0, y - 1); row <= Math.min(size - 1, y + 1); row++)
    for (let column = Math.max(0, x - 1); column <= Math.min(size - 1, x + 1); column++) visit(row * size + column);
}
