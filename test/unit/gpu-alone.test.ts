// A CPU's adapter without subgroups (Deno, Firefox): invocations work alone, and the whole network is a dozen small pipelines.

import { describe, expect, test } from 'vitest';
import type { KernelCall } from '../../gpu/kernel.js';
import { profileOf, tuningOf } from '../../gpu/profiles.js';
import { assembleShader, shaderKey } from '../../gpu/shader.js';
import { laneIncludes } from '../../gpu/software/lane-includes.js';
import { parseConfig } from '../../networks/config.js';
import { PRESETS } from '../../networks/presets.js';
import { choosePrecision } from '../../runtime/engines/choice.js';
import { buildPrograms } from '../../runtime/engines/webgpu/programs.js';

/** What Firefox says of its adapter: nothing but that it is a fallback. */
const nameless = { vendor: '', architecture: '', description: '', software: true };
const tuning = tuningOf(profileOf(nameless), { subgroups: false });

/** The different pipelines of a frame and a text. */
function pipelinesOf(preset: 'nano' | 'full', dtype: 'fp32' | 'fp16'): Map<string, KernelCall<unknown>> {
  const features = { f16: dtype === 'fp16', subgroups: false };
  const config = parseConfig(PRESETS[preset].model, preset);
  const { frame, text } = buildPrograms(config, 24, choosePrecision(dtype, dtype, features.f16), tuning);
  const calls = [...frame.calls, ...text.calls];
  return new Map(calls.map(call => [shaderKey(call.shader, call.constants, features), call]));
}

test('an adapter on the CPU without subgroups has invocations that work alone', () => {
  expect(tuning.lanes).toBe(1);
});

describe.each([
  ['nano', 10],
  // its last stage has more channels than an invocation of the other ones holds
  ['full', 11],
] as const)('%s', (preset, most) => {
  test.each(['fp32', 'fp16'] as const)('%s: few pipelines, of texts without barriers and subgroups', dtype => {
    const pipelines = pipelinesOf(preset, dtype);
    expect(pipelines.size).toBeLessThanOrEqual(most);
    for (const [key, { shader, constants }] of pipelines) {
      const text = assembleShader(shader, { f16: dtype === 'fp16', subgroups: false }, laneIncludes);
      // an embedding joins threads for its norm alone, and compilers leave out what a constant switches off
      const off = constants?.has_norm === 0;
      if (!off) expect(text, key).not.toMatch(/workgroupBarrier|var<workgroup>/);
      expect(text, key).not.toMatch(/enable subgroups|subgroup[A-Z]/);
    }
  });
});
