// The curve of the loss: each step as a thin line, its running mean as a bold one.

const SVG = 'http://www.w3.org/2000/svg';
const [WIDTH, HEIGHT] = [400, 160];
/** Room for the numbers of the axes. */
const [LEFT, BOTTOM] = [44, 20];

function shape(name: string, attributes: Readonly<Record<string, string | number>>, text = ''): SVGElement {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.textContent = text;
  return made;
}

/** Exponential mean, which follows a curve of a few dozen steps. */
export function smoothed(values: readonly number[], share = 0.2): number[] {
  let mean = values[0] ?? 0;
  return values.map(value => {
    mean += share * (value - mean);
    return mean;
  });
}

export function drawCurve(svg: SVGElement, losses: readonly number[], steps: number): void {
  svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  const [low, high] = [Math.min(...losses), Math.max(...losses)];
  const room = Math.max(high - low, 1e-6);
  const x = (at: number) => LEFT + (at / Math.max(1, steps - 1)) * (WIDTH - LEFT - 6);
  const y = (loss: number) => 8 + (1 - (loss - low) / room) * (HEIGHT - BOTTOM - 16);
  const points = (values: readonly number[]) =>
    values.map((value, at) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
  const base = HEIGHT - BOTTOM;
  svg.replaceChildren(
    shape('path', { class: 'axis', d: `M${LEFT} 4V${base}H${WIDTH - 2}` }),
    shape('text', { x: LEFT - 6, y: y(high) + 4, 'text-anchor': 'end' }, high.toFixed(2)),
    shape('text', { x: LEFT - 6, y: y(low) + 4, 'text-anchor': 'end' }, low.toFixed(2)),
    shape('text', { x: LEFT, y: HEIGHT - 4 }, '1'),
    shape('text', { x: WIDTH - 2, y: HEIGHT - 4, 'text-anchor': 'end' }, `${steps} steps`),
    shape('polyline', { class: 'each', points: points(losses) }),
    shape('polyline', { class: 'mean', points: points(smoothed(losses)) }),
  );
}
