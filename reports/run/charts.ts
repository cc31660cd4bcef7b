// Charts as inline SVG: no script, readable at the width of a phone, colours from the page's style.

import { scaleLinear, scaleLog } from 'd3-scale';
import { line } from 'd3-shape';
import { type Html, html } from '../html.js';
import { extent, type Point, smooth, thin } from './series.js';

const WIDTH = 440;
const HEIGHT = 230;
const MARGIN = { top: 12, right: 22, bottom: 34, left: 44 } as const;
const INNER = { right: WIDTH - MARGIN.right, bottom: HEIGHT - MARGIN.bottom } as const;
/** Points of a line, two for each of these many columns. */
const COLUMNS = 200;

export type Colour = 'a' | 'b' | 'c';

export interface Line {
  readonly name: string;
  readonly colour: Colour;
  readonly points: readonly Point[];
  /** Points that the average spans; the raw line then stands behind it. Not given: the points are drawn as they are, with dots. */
  readonly span?: number;
}

export interface LineChart {
  readonly title: string;
  readonly note?: string;
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  /** The range of the values that are shown; the data decides if it is not given. */
  readonly domain?: readonly [number, number];
  /** A point of the first line to be ringed and named. */
  readonly best?: { readonly point: Point; readonly label: string };
}

/** `from` and `to` in steps, so that the charts of a run stand over one another. Null where no line has a point. */
export function lineChart(chart: LineChart, from: number, to: number): Html | null {
  const drawn = chart.lines.filter(({ points }) => points.length > 0).map(each => ({ ...each, shown: shownOf(each) }));
  const reach = extent(drawn.flatMap(({ shown }) => shown));
  if (reach === null) return null;
  const x = scaleLinear([from, Math.max(to, from + 1)], [MARGIN.left, INNER.right]);
  const y = scaleLinear(padded(chart.domain ?? reach), [INNER.bottom, MARGIN.top]).nice(5);
  const path = line<Point>(
    p => round(x(p.step)),
    p => round(Math.min(INNER.bottom + 1, Math.max(MARGIN.top - 1, y(p.value)))),
  );
  const draw = (points: readonly Point[], style: string) =>
    html`<path class="${style}" d="${path(thin(points, COLUMNS))}"/>`;
  const dots = ({ points, colour, name }: Line) =>
    points.map(
      p =>
        html`<circle class="dot ${colour}" cx="${round(x(p.step))}" cy="${round(y(p.value))}" r="${points.length > 60 ? 1.2 : 2}"><title>${name}, epoch ${p.epoch + 1}: ${chart.format(p.value)}</title></circle>`,
    );
  const names = drawn.length > 1 && legend(drawn);
  return figure(
    { ...chart, legend: names },
    html`
    ${frame(y, chart.format)}${stepAxis(x)}
    ${drawn.map(each => each.span !== undefined && draw(each.points, `raw ${each.colour}`))}
    ${drawn.map(each => draw(each.shown, `line ${each.colour}`))}
    ${drawn.filter(({ span }) => span === undefined).map(dots)}
    ${chart.best && bestMark(chart.best, x(chart.best.point.step), y(chart.best.point.value))}`,
  );
}

const shownOf = ({ points, span }: Line): readonly Point[] => (span === undefined ? points : smooth(points, span));

function padded([low, high]: readonly [number, number]): [number, number] {
  return low === high ? [low - Math.abs(low || 1) * 0.1, high + Math.abs(high || 1) * 0.1] : [low, high];
}

type Scale = ReturnType<typeof scaleLinear<number, number>>;

function frame(y: Scale, format: (value: number) => string): Html {
  const rows = y.ticks(5).map(value => {
    const at = round(y(value));
    return html`<line class="grid" x1="${MARGIN.left}" x2="${INNER.right}" y1="${at}" y2="${at}"/><text x="${MARGIN.left - 6}" y="${at + 4}" text-anchor="end">${format(value)}</text>`;
  });
  return html`${rows}<line class="axis" x1="${MARGIN.left}" x2="${INNER.right}" y1="${INNER.bottom}" y2="${INNER.bottom}"/>`;
}

function stepAxis(x: Scale): Html {
  const ticks = x.ticks(5).filter(Number.isInteger);
  return html`${ticks.map(
    value =>
      html`<text x="${round(x(value))}" y="${INNER.bottom + 15}" text-anchor="middle">${value.toLocaleString('en')}</text>`,
  )}<text x="${INNER.right}" y="${HEIGHT - 4}" text-anchor="end">step</text>`;
}

const legend = (lines: readonly Line[]): Html =>
  html`<span class="names">${lines.map(({ name, colour }) => html`<i class="${colour}">${name}</i> `)}</span>`;

function bestMark({ label }: { readonly label: string }, x: number, y: number): Html {
  const left = x > WIDTH / 2;
  const below = y < MARGIN.top + 24;
  return html`<circle class="a" cx="${round(x)}" cy="${round(y)}" r="4.5"/><text class="name a" x="${round(x + (left ? -8 : 8))}" y="${round(y + (below ? 18 : -8))}" text-anchor="${left ? 'end' : 'start'}">${label}</text>`;
}

/** How many images have which Dice: bars of 0.05, and a line at the mean. */
export function diceHistogram(dice: readonly number[], mean: number, title: string): Html {
  const bins = new Array<number>(20).fill(0);
  for (const value of dice) bins[Math.min(19, Math.floor(value * 20))]!++;
  const x = scaleLinear([0, 1], [MARGIN.left, INNER.right]);
  const y = scaleLinear([0, Math.max(1, ...bins)], [INNER.bottom, MARGIN.top]).nice(4);
  const bars = bins.map((count, i) => {
    const [left, top] = [x(i / 20) + 1, y(count)];
    const between = `${(i / 20).toFixed(2)} to ${((i + 1) / 20).toFixed(2)}`;
    return html`<rect class="bar" x="${round(left)}" y="${round(top)}" width="${round(x(0.05) - x(0) - 2)}" height="${round(INNER.bottom - top)}"><title>${between}: ${count}</title></rect>`;
  });
  const at = round(x(mean));
  const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1];
  return figure(
    { title, note: `mean ${mean.toFixed(3)}` },
    html`
    ${frame(y, value => (Number.isInteger(value) ? String(value) : ''))}${bars}
    <line class="mark" x1="${at}" x2="${at}" y1="${MARGIN.top}" y2="${INNER.bottom}"/>
    ${ticks.map(value => html`<text x="${round(x(value))}" y="${INNER.bottom + 15}" text-anchor="middle">${value}</text>`)}
    <text x="${INNER.right}" y="${HEIGHT - 4}" text-anchor="end">Dice</text>`,
  );
}

/** Each image's Dice over the size of its lesions: what is small is missed sooner. Null where no image has a lesion. */
export function sizeScatter(
  images: readonly { readonly id: string; readonly dice: number; readonly target: number }[],
): Html | null {
  const shown = images.filter(({ target }) => target > 0);
  if (shown.length === 0) return null;
  const least = Math.min(...shown.map(({ target }) => target));
  const x = scaleLog([least / 1.2, 1], [MARGIN.left, INNER.right]);
  const y = scaleLinear([0, 1], [INNER.bottom, MARGIN.top]);
  const percent = (share: number) => `${Number((100 * share).toPrecision(2))} %`;
  const ticks = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1].filter(value => value >= x.domain()[0]!);
  const dots = shown.map(
    ({ id, dice, target }) =>
      html`<circle class="dot a faint" cx="${round(x(target))}" cy="${round(y(dice))}" r="3"><title>${id}: Dice ${dice.toFixed(3)}, ${percent(target)}</title></circle>`,
  );
  return figure(
    { title: 'Dice by size', note: 'a dot an image' },
    html`
    ${frame(y, value => value.toFixed(1))}${dots}
    ${ticks.map(value => html`<text x="${round(x(value))}" y="${INNER.bottom + 15}" text-anchor="middle">${percent(value)}</text>`)}
    <text x="${INNER.right}" y="${HEIGHT - 4}" text-anchor="end">of the picture is lesion</text>`,
  );
}

interface Caption {
  readonly title: string;
  readonly note?: string;
  readonly legend?: Html | false;
}

function figure({ title, note, legend: names }: Caption, content: Html): Html {
  return html`<figure><figcaption>${title}${note && html` <small>${note}</small>`}${names}</figcaption><svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">${content}</svg></figure>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;
