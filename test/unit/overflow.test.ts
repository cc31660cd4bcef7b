// The overflow test (test/overflow.ts) in wasm.

import * as ort from 'onnxruntime-web';
import { test } from 'vitest';
import { loadAssembly } from '../../assembly/index.js';
import { WasmEngine } from '../../runtime/engines/wasm/engine.js';
import { expectNoWrongMask, judge, newVerdicts, overflowCases, overflowInputs } from '../overflow.js';

test('an overflow in wasm ends in an error or in the mask of double precision', { timeout: 300_000 }, async () => {
  const assembly = await loadAssembly();
  const inputs = await overflowInputs();
  const { config, planes, ids } = inputs;
  const verdicts = newVerdicts();
  // Most of a case is onnxruntime's preparing of the two graphs.
  for await (const each of overflowCases(inputs, { stride: 3 }))
    await judge(assembly, inputs, each, verdicts, 'fp32', async parameters => {
      const engine = await WasmEngine.create({ ort, assembly, config, parameters });
      try {
        return await engine.run(planes, await engine.encode(ids));
      } finally {
        engine.dispose();
      }
    });
  expectNoWrongMask('wasm', verdicts);
});
