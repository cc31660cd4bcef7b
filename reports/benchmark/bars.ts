// Bars in rows, of HTML rather than SVG, so that names and numbers keep their size on a phone.

import { type Html, html } from '../html.js';

/** A segment of a stacked bar. Its colours are those of the page's lines. */
export interface Segment {
  readonly colour: 'a' | 'b' | 'c';
  readonly value: number;
  readonly title: string;
}

export interface Bar {
  readonly name: Html | string;
  readonly segments: readonly Segment[];
  /** What stands at the end of the row. */
  readonly label: Html | string;
  /** A thin line from the bar to here: a percentile. */
  readonly reach?: { readonly value: number; readonly title: string };
}

export interface Marked {
  readonly value: number;
  readonly name: string;
}

export type Scale = (value: number) => number;

/** Shares of the width, 0..1, by logarithm: for what spans orders of magnitude. */
export function logScale(values: readonly number[]): Scale {
  const [low, high] = [Math.min(...values) / 2, Math.max(...values) * 1.15];
  return value => Math.min(1, Math.max(0, Math.log(value / low) / Math.log(high / low)));
}

export const linearScale = (values: readonly number[]): Scale => {
  const most = Math.max(...values) || 1;
  return value => value / most;
};

const percent = (share: number): string => `${(100 * share).toFixed(2)}%`;

/** @param marks lines through all rows, named above them */
export function barChart(bars: readonly Bar[], scale: Scale, marks: readonly Marked[] = []): Html {
  const lines = marks.map(
    ({ value, name }) => html`<i class="mark" style="left:${percent(scale(value))}" title="${name}"></i>`,
  );
  const names = marks.map(
    ({ value, name }) => html`<span class="mark-name" style="left:${percent(scale(value))}">${name}</span>`,
  );
  const head =
    marks.length > 0 && html`<div class="bar"><span></span><span class="track head">${names}</span><span></span></div>`;
  return html`<div class="bars">${head}${bars.map(bar => barRow(bar, scale, lines))}</div>`;
}

function barRow({ name, segments, label, reach }: Bar, scale: Scale, lines: readonly Html[]): Html {
  let end = 0;
  const parts = segments.map(({ colour, value, title }) => {
    const from = end === 0 ? 0 : scale(end);
    end += value;
    return html`<i class="fill ${colour}" style="left:${percent(from)};width:${percent(scale(end) - from)}" title="${title}"></i>`;
  });
  const whisker =
    reach &&
    html`<i class="reach" style="left:${percent(scale(end))};width:${percent(Math.max(0, scale(reach.value) - scale(end)))}" title="${reach.title}"></i>`;
  return html`<div class="bar"><span class="name">${name}</span><span class="track">${parts}${whisker}${lines}</span><b>${label}</b></div>`;
}
