import { expect, test } from 'vitest';
import { compiledIn, shippedSbom } from '../../tools/make-sbom.mjs';

const component = (name: string, properties: readonly object[] = []) => ({
  'bom-ref': `${name}@1`,
  name,
  scope: 'optional',
  properties,
});
const development = { name: 'cdx:npm:package:development', value: 'true' };
const all = {
  metadata: { component: { 'bom-ref': 'ours@1', name: 'folder' } },
  components: [component('fetched'), component('inside', [development]), component('tool', [development])],
  dependencies: [
    { ref: 'ours@1', dependsOn: ['fetched@1', 'inside@1', 'tool@1'] },
    { ref: 'tool@1', dependsOn: ['fetched@1'] },
    { ref: 'inside@1' },
  ],
};
const fetched = { components: [component('fetched')] };

test('what is compiled in is a component, a tool is none, and no edge leads out', () => {
  const sbom = shippedSbom(all, fetched, ['inside'], 'ours');
  expect(sbom.metadata.component.name).toBe('ours');
  expect(sbom.components).toEqual([
    { ...component('fetched'), scope: 'required' },
    { ...component('inside'), scope: 'required' },
  ]);
  expect(sbom.dependencies).toEqual([
    { ref: 'ours@1', dependsOn: ['fetched@1', 'inside@1'] },
    { ref: 'inside@1', dependsOn: [] },
  ]);
});

test('a shipped package that npm does not know is an error', () => {
  expect(() => shippedSbom(all, fetched, ['inside', 'gone'], 'ours')).toThrow('got no gone; run npm ci');
});

test('names of packages in the build’s licences', () => {
  expect(
    compiledIn('# Licenses\n\n## @noble/hashes - 1.8.0 (MIT)\n\ntext\n\n## comlink - 4.4.2 (Apache-2.0)\n'),
  ).toEqual(['@noble/hashes', 'comlink']);
});
