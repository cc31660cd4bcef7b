// What happens when a device is lost under a session: with models that are lost when the test says so.

import { describe, expect, test } from 'vitest';
import { TmcaError } from '../../errors/index.js';
import type { EngineReport, EngineStats } from '../../runtime/engines/network-engine.js';
import type { LiveTurn } from '../../runtime/live/live-session.js';
import { RecoveringSession, type SessionModel } from '../../runtime/session/recovering-session.js';
import type { Pixels, Segmentation, SessionInfo } from '../../runtime/types.js';

const image: Pixels = { data: new Uint8Array(3), width: 1, height: 1, channels: 3 };

interface Encoded extends EngineReport {
  readonly text: string;
}

/** Answers with its generation, until it is lost. */
class Fragile implements SessionModel {
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

  async encode(text: string) {
    await Promise.resolve();
    this.#alive();
    this.log.push(`text ${text}`);
    const encoded: Encoded = { text, dispose: () => this.log.push(`free ${text}`) };
    return { ids: Int32Array.of(this.generation), truncated: false, encoded };
  }

  async segment({ width }: Pixels, encoded: EngineReport | null): Promise<Segmentation> {
    await Promise.resolve();
    this.#alive();
    this.log.push(`frame ${(encoded as Encoded).text}${width > 1 ? ` ${width}` : ''}`);
    return { size: this.generation } as Segmentation;
  }

  async live<T>(_: unknown, encoded: EngineReport | null, work: (turn: LiveTurn) => Promise<T>): Promise<T> {
    await Promise.resolve();
    this.#alive();
    this.log.push(`live ${(encoded as Encoded).text}`);
    const result = await work({ engine: this } as unknown as LiveTurn);
    this.#alive();
    return result;
  }

  stats = (): EngineStats => ({ tuning: null }) as EngineStats;
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
  made[0]!.encode = () => Promise.reject(new TmcaError('TEXT_EMPTY', 'no words'));
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

describe('an image that is read in its turn', () => {
  test('is overtaken by none after it, and read once, whatever becomes of the device', async () => {
    const { session, made } = build();
    const report = await session.encodeReport('a');
    let reads = 0;
    const read = async (): Promise<Pixels> => {
      reads++;
      await new Promise(resolve => setTimeout(resolve, 5));
      made[0]!.lost = true;
      return { ...image, width: 2 };
    };
    await Promise.all([session.segment(read, report), session.segment(image, report)]);
    expect(made[1]!.log).toEqual(['text a', 'frame a 2', 'frame a']);
    expect([reads, session.stats().frames, session.stats().reports, session.stats().recoveries]).toEqual([1, 2, 1, 1]);
  });

  test('is not read for a call that left the queue, and its report may not be disposed of meanwhile', async () => {
    const { session, made } = build();
    const [report, other] = [await session.encodeReport('a'), await session.encodeReport('b')];
    const stop = new AbortController();
    let reads = 0;
    const read = async (): Promise<Pixels> => {
      reads++;
      report.dispose();
      return image;
    };
    const calls = [
      session.segment(read, report),
      session.segment(read, other, { signal: stop.signal }),
      session.segment(image, other),
    ].map(call =>
      call.then(
        ({ size }) => size,
        ({ code }) => code,
      ),
    );
    stop.abort();
    expect(await Promise.all(calls)).toEqual(['BAD_ARGUMENT', 'ABORTED', 0]);
    expect([reads, made[0]!.log]).toEqual([1, ['text a', 'text b', 'free a', 'frame b']]);
  });
});
