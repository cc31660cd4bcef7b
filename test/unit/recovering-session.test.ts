// What happens when a device is lost under a session: with sessions that are lost when the test says so.

import { describe, expect, test } from 'vitest';
import { TmcaError } from '../../errors/index.js';
import type { LiveRequest, LiveSession, LiveTurn } from '../../runtime/live/live-session.js';
import { RecoveringSession } from '../../runtime/session/recovering-session.js';
import type { Pixels, Report, Segmentation, SessionInfo, SessionStats } from '../../runtime/types.js';

const image: Pixels = { data: new Uint8Array(3), width: 1, height: 1, channels: 3 };

/** Answers with its generation, until it is lost. */
class Fragile implements LiveSession {
  lost = false;
  disposed = 0;
  readonly log: string[] = [];
  readonly info: SessionInfo;

  constructor(readonly generation: number) {
    this.info = {
      reason: `generation ${generation}`,
      integrity: 'checked',
      model: { text: 'required' },
    } as SessionInfo;
  }

  #alive(): void {
    if (this.lost) throw new TmcaError('DEVICE_LOST', 'gone', { retryable: true });
  }

  async encodeReport(text: string): Promise<Report> {
    await Promise.resolve();
    this.#alive();
    this.log.push(`text ${text}`);
    return {
      text,
      ids: Int32Array.of(this.generation),
      truncated: false,
      dispose: () => this.log.push(`free ${text}`),
    };
  }

  async segment(_: Pixels, report: Report | null): Promise<Segmentation> {
    await Promise.resolve();
    this.#alive();
    this.log.push(`frame ${report?.text}`);
    return { size: this.generation } as Segmentation;
  }

  async live<T>({ report }: LiveRequest, work: (turn: LiveTurn) => Promise<T>): Promise<T> {
    await Promise.resolve();
    this.#alive();
    this.log.push(`live ${report?.text}`);
    const result = await work({ engine: this } as unknown as LiveTurn);
    this.#alive();
    return result;
  }

  stats = (): SessionStats => ({ recoveries: 0, frames: 1 }) as SessionStats;
  dispose(): void {
    this.disposed++;
    this.lost = true;
  }
}

function build(options: { failures?: number } = {}) {
  const made = [new Fragile(0)];
  let failures = options.failures ?? 0;
  const session = new RecoveringSession(
    made[0]!,
    async () => {
      if (failures-- > 0) throw new TmcaError('NO_ADAPTER', 'none');
      made.push(new Fragile(made.length));
      return made.at(-1)!;
    },
    { backoffMs: 1 },
  );
  return { session, made };
}

describe('a lost device', () => {
  test('is replaced, the report encoded again, and the frame run again', async () => {
    const { session, made } = build();
    const report = await session.encodeReport('one polyp');
    expect((await session.segment(image, report)).size).toBe(0);
    made[0]!.lost = true;
    expect((await session.segment(image, report)).size).toBe(1);
    expect(made[1]!.log).toEqual(['text one polyp', 'frame one polyp']);
    expect([report.text, ...report.ids]).toEqual(['one polyp', 1]);
    expect([made[0]!.disposed, session.stats().recoveries, session.info.reason]).toEqual([1, 1, 'generation 1']);
    // The report is not encoded a third time.
    await session.segment(image, report);
    expect(made[1]!.log.filter(line => line.startsWith('text'))).toHaveLength(1);
  });

  test('under many calls is replaced once, and they keep their order', async () => {
    const { session, made } = build();
    const reports = await Promise.all(['a', 'b', 'c'].map(text => session.encodeReport(text)));
    made[0]!.lost = true;
    const results = await Promise.all(reports.map(report => session.segment(image, report)));
    expect(results.map(result => result.size)).toEqual([1, 1, 1]);
    expect(made).toHaveLength(2);
    expect(made[1]!.log.filter(line => line.startsWith('frame'))).toEqual(['frame a', 'frame b', 'frame c']);
  });

  test('again and again is given up after two replacements', async () => {
    const made: Fragile[] = [];
    const next = () => {
      const session = new Fragile(made.length);
      session.lost = true;
      made.push(session);
      return session;
    };
    const session = new RecoveringSession(next(), async () => next(), { backoffMs: 1 });
    await expect(session.encodeReport('x')).rejects.toMatchObject({ code: 'DEVICE_LOST', retryable: true });
    expect(made).toHaveLength(3);
  });

  test('is replaced before, during and after a frame of a stream, twice', async () => {
    const { session, made } = build();
    const report = await session.encodeReport('one polyp');
    const request = { report, read: () => image };
    const engines: object[] = [];
    const frame = (during?: (of: Fragile) => void) =>
      session.live(request, async ({ engine }) => {
        engines.push(engine);
        if (engines.length < 4) during?.(engine as Fragile);
        return (engine as Fragile).generation;
      });
    made[0]!.lost = true; // before
    expect(await frame()).toBe(1);
    const lose = (of: Fragile): void => {
      of.lost = true; // during: the frame is run again, and lost again
    };
    expect(await frame(lose)).toBe(3);
    made[3]!.lost = true; // after
    expect(await frame()).toBe(4);
    expect(engines).toEqual([made[1], made[1], made[2], made[3], made[4]]);
    expect(made[4]!.log).toEqual(['text one polyp', 'live one polyp']);
    expect(session.stats().recoveries).toBe(4);
  });

  test('that cannot be replaced rejects with the reason, and a later call tries again', async () => {
    const { session, made } = build({ failures: 1 });
    const report = await session.encodeReport('x');
    made[0]!.lost = true;
    await expect(session.segment(image, report)).rejects.toMatchObject({ code: 'NO_ADAPTER' });
    expect((await session.segment(image, report)).size).toBe(1);
  });

  test('is not replaced for a session that is disposed meanwhile', async () => {
    const { session, made } = build();
    const report = await session.encodeReport('x');
    made[0]!.lost = true;
    const pending = session.segment(image, report);
    session.dispose();
    await expect(pending).rejects.toMatchObject({ code: 'DISPOSED' });
    for (const each of made) expect(each.disposed).toBeGreaterThan(0);
    await expect(session.encodeReport('y')).rejects.toMatchObject({ code: 'DISPOSED' });
  });
});

test('other errors pass as they are, once', async () => {
  const { session, made } = build();
  made[0]!.encodeReport = () => Promise.reject(new TmcaError('TEXT_EMPTY', 'no words'));
  await expect(session.encodeReport('')).rejects.toMatchObject({ code: 'TEXT_EMPTY' });
  expect(made).toHaveLength(1);
});

test('reports: of another session refused, freed once, and with the session', async () => {
  const [one, other] = [build(), build()];
  const foreign = await other.session.encodeReport('x');
  await expect(one.session.segment(image, foreign)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  const report = await one.session.encodeReport('a');
  report.dispose();
  report.dispose();
  await expect(one.session.segment(image, report)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  await one.session.encodeReport('b');
  one.session.dispose();
  one.session.dispose();
  expect(one.made[0]!.log.filter(line => line.startsWith('free'))).toEqual(['free a', 'free b']);
  expect(one.made[0]!.disposed).toBe(1);
});
