// The tables of docs/benchmarks.md: how a figure is shown, and which figures stand in a row.

import { inline } from '../../reports/run/markdown.js';
import type { KernelRow } from '../kernel-table.js';
import type { BenchResult } from '../node/bench.js';
import type { BenchTrainResult } from '../node/bench-train.js';

/** What every result file has, of whatever kind. */
interface Stored {
  /** Path from docs/. */
  readonly link: string;
  /** How tables call it. */
  readonly name: string;
  readonly note?: string;
  /** The browser, where the results were taken in a page. */
  readonly userAgent?: string;
}

export type RunFile = BenchResult & Stored;
export type TrainingFile = BenchTrainResult & Stored;

type Any = RunFile | TrainingFile;
type Figure = number | null | undefined;

const NONE = '–';
const shown = (value: Figure, show: (value: number) => string): string =>
  value === null || value === undefined ? NONE : show(value);

/** Three digits, and no exponent for what can do without. */
const digits = (value: Figure): string =>
  shown(value, x => {
    if (x === 0) return '0';
    const size = Math.floor(Math.log10(Math.abs(x)));
    return size < -4 ? x.toExponential(1) : x.toFixed(Math.max(0, 2 - size));
  });
const percent = (value: Figure): string => shown(value, x => `${(100 * x).toFixed(1)} %`);
/** Shares near to the whole, where one pixel matters. */
const finePercent = (value: Figure): string => shown(value, x => (x === 1 ? '100 %' : `${(100 * x).toFixed(3)} %`));
const megabytes = (value: Figure): string => shown(value, x => (x / 1e6).toFixed(2));

const day = (date: string): string => date.slice(0, 10);
const link = ({ name, link }: Any): string => `[${name}](${link})`;

/** Columns whose title begins with `<` are text; the others are figures and stand to the right. */
function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return 'Nothing has been measured yet.';
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const ruler = titles.map(title => (title.startsWith('<') ? '---' : '---:'));
  return [line(titles.map(title => title.replace(/^</, ''))), line(ruler), ...rows.map(line)].join('\n');
}

const isRun = (result: Any): result is RunFile => 'dtype' in result;

/** The browser's name and version. */
const place = ({ userAgent }: Any): string =>
  userAgent ? inline(/(?:Headless)?(?:Chrome|Firefox|Version)\/\d+/.exec(userAgent)?.[0] ?? userAgent) : 'Node';

const peerOf = (result: Any): string => {
  if (!result.peer) return NONE;
  const dtype = 'dtype' in result.peer ? `, ${result.peer.dtype}` : '';
  return inline(`${result.peer.name} ${result.peer.version}${dtype}`);
};

export const measurementTable = (results: readonly Any[]): string =>
  table(
    [
      ...['<measurement', '<model', 'image', 'tokens', '<adapter', '<in', '<engine', '<dtype', '<peer'],
      ...['<date', '<commit'],
    ],
    results.map(result => [
      link(result),
      inline(result.model),
      `${result.inputs.image_size} x ${result.inputs.image_size}`,
      String(result.inputs.tokens),
      inline(result.adapter.description),
      place(result),
      isRun(result) ? result.device : 'webgpu',
      isRun(result) ? result.dtype : 'fp32',
      peerOf(result),
      day(result.date),
      result.commit ? `\`${result.commit.slice(0, 7)}\`` : NONE,
    ]),
  );

export const latencyTable = (results: readonly RunFile[]): string =>
  table(
    [
      ...['<measurement', '<adapter', '<dtype', '<what', 'ours, p50', 'ours, p95'],
      ...['peer, p50', 'peer, p95', 'ratio', 'n', '<date', '<commit'],
    ],
    results.flatMap(result => {
      const { ours, peer, ratio } = result;
      const about = [link(result), adapterName(result), dtypes(result)];
      const from = [day(result.date), result.commit ? `\`${result.commit.slice(0, 7)}\`` : NONE];
      const warm = (['frame', 'text'] as const).map(what => [
        ...about,
        what,
        ...[ours[what].p50, ours[what].p95, peer?.[what].p50, peer?.[what].p95, ratio?.[what]].map(digits),
        String(ours[what].n),
        ...from,
      ]);
      const cold = [digits(ours.cold.total), NONE, digits(peer?.cold.total), NONE, digits(ratio?.cold), '1'];
      return [...warm, [...about, 'cold start', ...cold, ...from]];
    }),
  );

/** Up to the version: the whole of it stands in the table of measurements. */
const adapterName = ({ adapter }: Any): string => inline(adapter.description.split(/:| \(/)[0]!);

const dtypes = ({ dtype, peer }: RunFile): string =>
  peer && peer.dtype !== dtype ? `${dtype}, peer ${peer.dtype}` : dtype;

export const coldTable = (results: readonly RunFile[]): string =>
  table(
    ['<measurement', '<whose', 'load', 'compile', 'first text', 'first frame', 'total', 'CPU'],
    results.flatMap(result =>
      [
        { whose: 'ours', cold: result.ours.cold },
        { whose: peerOf(result), cold: result.peer?.cold },
      ].flatMap(({ whose, cold }) =>
        cold
          ? [
              [
                link(result),
                whose,
                ...[cold.load, cold.compile, cold.first_text, cold.first_frame, cold.total, cold.cpu].map(digits),
              ],
            ]
          : [],
      ),
    ),
  );

export const agreementTable = (results: readonly RunFile[]): string =>
  table(
    ['<measurement', '<our dtype', '<peer', 'largest difference', 'mask'],
    results
      .filter(({ agreement }) => agreement)
      .map(result => [
        link(result),
        result.dtype,
        peerOf(result),
        digits(result.agreement?.max_abs),
        finePercent(result.agreement?.mask),
      ]),
  );

export const memoryTable = (results: readonly RunFile[]): string =>
  table(
    [
      ...['<measurement', '<dtype', 'planned arena', 'its lower bound', 'planned inputs and outputs'],
      ...['weights', 'arena', 'other', 'dispatches, frame', 'dispatches, text'],
    ],
    results.map(result => {
      const { planned_bytes: planned, gpu_bytes: live, dispatches, text_dispatches } = result.ours;
      return [
        link(result),
        result.dtype,
        ...[planned?.arena, planned?.arena_lower_bound, planned && planned.inputs + planned.outputs].map(megabytes),
        ...[live.weights, live.arena, live.other].map(megabytes),
        String(dispatches),
        String(text_dispatches),
      ];
    }),
  );

export const ratesTable = (results: readonly Any[]): string =>
  table(
    [
      '<measurement',
      '<adapter',
      'GFLOP/s, f32',
      'GFLOP/s, f16',
      'GB/s',
      '<clock',
      'kernels of a frame or step, ms',
      'of a text, ms',
    ],
    results.map(result => {
      const clocks = isRun(result) ? result.ours.kernel_clock : null;
      const main = isRun(result) ? clocks?.frame : result.ours.kernel_clock;
      const { gflops, gflops_f16, gbytes } = result.roofline ?? {};
      return [
        link(result),
        adapterName(result),
        ...[gflops, gflops_f16, gbytes].map(digits),
        main ? `\`${main.clock}\`` : NONE,
        digits(main?.ms),
        digits(clocks?.text.ms),
      ];
    }),
  );

/** Slowest first; what is beyond `most` families stands in one line. */
export function kernelsTable(rows: readonly KernelRow[], most = rows.length): string {
  const sum = (pick: (row: KernelRow) => number) => (list: readonly KernelRow[]) =>
    list.reduce((total, row) => total + pick(row), 0);
  const [calls, ms, share] = [sum(row => row.count), sum(row => row.ms), sum(row => row.share)];
  const line = (name: string, list: readonly KernelRow[], rest: readonly string[]) => [
    ...[name, String(calls(list)), digits(ms(list)), percent(share(list))],
    ...rest,
  ];
  const others = rows.slice(most);
  const blank = [NONE, NONE, NONE, NONE];
  return table(
    ['<kernel', 'calls', 'ms', 'share', 'of the roofline', '<bound', 'GFLOP/s', 'GB/s'],
    [
      ...rows
        .slice(0, most)
        .map(row =>
          line(
            `\`${row.name}\``,
            [row],
            [percent(row.roofline), row.bound ?? NONE, digits(row.gflops), digits(row.gbytes)],
          ),
        ),
      ...(others.length > 0 ? [line(`${others.length} others`, others, blank)] : []),
      line('sum', rows, blank),
    ],
  );
}

export const hostTable = (results: readonly RunFile[]): string =>
  table(
    ['<measurement', '<work', '<peer', 'ours, p50', 'peer, p50', 'ratio', 'ratio, CPU', 'same results', 'n'],
    results.flatMap(result =>
      Object.values(result.assembly ?? {}).flatMap(duel =>
        duel
          ? [
              [
                link(result),
                inline(duel.work),
                inline(`${duel.peer.name} ${duel.peer.version}`),
                ...[duel.ours.p50, duel.peer.p50, duel.ratio, duel.cpu_ratio].map(digits),
                percent(duel.agreement),
                String(duel.ours.n),
              ],
            ]
          : [],
      ),
    ),
  );

export const trainingTable = (results: readonly TrainingFile[]): string =>
  table(
    [
      ...['<measurement', '<adapter', '<peer', 'batch', 'ours, p50', 'peer, p50', 'ratio', 'ours, CPU', 'peer, CPU'],
      ...['ratio, CPU', 'ours, first', 'peer, first', 'ours, images/s', 'peer, images/s', 'of the roofline', 'losses'],
      ...['n', '<date', '<commit'],
    ],
    results.map(result => {
      const { ours, peer, ratio, agreement } = result;
      return [
        link(result),
        adapterName(result),
        peerOf(result),
        String(result.inputs.batch),
        ...[ours.step.p50, peer?.step.p50, ratio?.step, ours.cpu, peer?.cpu, ratio?.cpu].map(digits),
        ...[ours.first, peer?.first, ours.images_per_second, peer?.images_per_second].map(digits),
        percent(ours.roofline),
        digits(agreement?.all),
        String(ours.step.n),
        day(result.date),
        result.commit ? `\`${result.commit.slice(0, 7)}\`` : NONE,
      ];
    }),
  );
