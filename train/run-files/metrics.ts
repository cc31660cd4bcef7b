// metrics.jsonl: one JSON object a line, a line a step and one an epoch. Appended to, so a kill costs half a line at most;
// repaired before a run goes on, so a resumed run's file looks as if it had never stopped.

import { constants } from 'node:buffer';
import { TmcaError } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import { ifThere, readBytes } from '../../node/disk/read-file.js';
import type { Disk } from './disk.js';

/**
 * A step's line, or an epoch's, after its last step. `step` counts optimiser steps from 1. Where a run was told to end in the
 * middle of an epoch, that epoch's line has `complete: 0`; going on drops it, because the epoch will have a line of its own.
 */
export interface MetricsLine {
  readonly kind: 'step' | 'epoch';
  readonly step: number;
  readonly epoch: number;
  /** Losses, rates, scores, times. What is not finite is written as text ("NaN"), because JSON has no such number. */
  readonly [name: string]: number | string | null;
}

/** What `repairMetrics` took away. */
export interface MetricsRepair {
  /** Complete lines that stay. */
  readonly kept: number;
  /** Lines of steps after the checkpoint's, which will be run again. */
  readonly dropped: number;
  /** True where the file ended in the middle of a line, or in bytes that are none (after a power cut). */
  readonly cut: boolean;
}

/** Appends one line. Errors: OUTPUT_NOT_WRITABLE. */
export async function appendMetrics(path: string, line: MetricsLine, disk: Disk): Promise<void> {
  const finite = (_: string, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  await disk.append(path, `${JSON.stringify(line, finite)}\n`);
}

/**
 * All lines of a file that is in order; with `underWay`, those of a run that goes on or was killed, whose last line may be cut.
 *
 * Errors: FILE_UNREADABLE.
 */
export async function readMetrics(path: string, { underWay = false } = {}): Promise<MetricsLine[]> {
  const { lines, tail } = parse(await readText(path), path);
  if (tail === '' || underWay) return lines;
  throw unreadable(path, `line ${lines.length + 1} must be a step or an epoch`, show(tail));
}

/**
 * Cuts a half-written end and drops lines of steps after `lastStep`, atomically: the file is the old one or the repaired one.
 *
 * Errors: FILE_UNREADABLE (a broken line with whole ones after it: that is no kill's doing), OUTPUT_NOT_WRITABLE.
 */
export async function repairMetrics(path: string, lastStep: number, disk: Disk): Promise<MetricsRepair> {
  const text = await readText(path);
  const { lines, tail } = parse(text, path);
  const kept = lines.filter(line => line.step <= lastStep && line.complete !== 0);
  const repair = { kept: kept.length, dropped: lines.length - kept.length, cut: tail !== '' };
  if (repair.dropped > 0 || repair.cut) {
    const temporary = `${path}.tmp`;
    const content = kept.map(line => `${JSON.stringify(line)}\n`).join('');
    await disk.write(temporary, [new TextEncoder().encode(content)]);
    await disk.rename(temporary, path);
  }
  return repair;
}

function parse(text: string, path: string): { lines: MetricsLine[]; tail: string } {
  const parts = text.split('\n');
  // what follows the last line break: nothing, or a line that was not finished
  let tail = parts.pop()!;
  const parsed = parts.map(parseLine);
  const broken = parsed.indexOf(null);
  if (broken >= 0) {
    // after a power cut the file may end in blocks that were never written, line breaks and all
    const after = parsed.findIndex((line, i) => i > broken && line !== null);
    if (after >= 0) throw unreadable(path, `line ${broken + 1} must be a step or an epoch`, show(parts[broken]));
    tail = parts.slice(broken).join('\n') + tail || '\n';
  }
  return { lines: (broken < 0 ? parsed : parsed.slice(0, broken)) as MetricsLine[], tail };
}

function parseLine(text: string): MetricsLine | null {
  try {
    const line = JSON.parse(text) as MetricsLine | null;
    const whole = Number.isSafeInteger(line?.step) && Number.isSafeInteger(line?.epoch);
    return whole && (line!.kind === 'step' || line!.kind === 'epoch') ? line : null;
  } catch {
    return null;
  }
}

/** The file's text; none where there is no file. Leniently, because a power cut may end it in bytes that are no text. */
async function readText(path: string): Promise<string> {
  const kind = { rule: 'readMetrics: the metrics must be readable', advice: 'mend or remove the file' };
  // the longest that there can be
  const bytes = await ifThere(readBytes(path, { ...kind, limit: constants.MAX_STRING_LENGTH }));
  return bytes ? new TextDecoder().decode(bytes) : '';
}

const unreadable = (path: string, rule: string, got: string, cause?: unknown) =>
  new TmcaError('FILE_UNREADABLE', `readMetrics: ${path}: ${rule}, got ${got}; mend or remove the file`, { cause });
