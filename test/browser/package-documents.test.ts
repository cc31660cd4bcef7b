// What is made of the built package for its readers: API pages and the list of what it consists of. Needs no browser, but a build.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { root, run } from './consumers.js';

const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
const project = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const page = (path: string) => readFileSync(join(root, 'docs', 'api', path), 'utf8');

test('npm run docs:api has a page for each of the six exports and for what they export', () => {
  rmSync(join(root, 'docs', 'api'), { recursive: true, force: true });
  run(npm, ['run', 'docs:api'], root);
  const exported: Record<string, readonly string[]> = {
    'tmca-edge': ['Segmenter', 'maskImageBitmap', 'SegmenterOptions', 'TmcaError'],
    'tmca-edge/worker': [],
    'tmca-edge/node': ['openSession', 'readImage', 'evaluate', 'exportOnnx', 'NodeSession'],
    'tmca-edge/language': ['readReport', 'promptsOf', 'RoutineReport', 'Finding'],
    'tmca-edge/train': ['Trainer', 'planMemory', 'TrainerOptions'],
    'tmca-edge/train/node': ['train'],
  };
  expect(Object.keys(exported)).toEqual(Object.keys(project.exports).map(path => `tmca-edge${path.slice(1)}`));
  for (const [module, names] of Object.entries(exported)) {
    const text = page(join('modules', `${module.replaceAll('/', '_')}.html`));
    for (const name of names) expect(text).toContain(`id="${name.toLowerCase()}"`);
  }
  expect(page(join('classes', 'tmca-edge.Segmenter.html'))).toContain(
    'Segments lesions from an image and a sentence about it',
  );
});

test('npm run sbom lists what an installation fetches and what is compiled in, as CycloneDX, and nothing of the workshop', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tmca-sbom-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'sbom.json');
  run(npm, ['run', 'sbom', '--', file], root);
  const sbom = JSON.parse(readFileSync(file, 'utf8'));
  expect(sbom).toMatchObject({
    bomFormat: 'CycloneDX',
    metadata: { component: { name: project.name, version: project.version } },
  });
  const listed = new Map(sbom.components.map((each: { name: string; version: string }) => [each.name, each.version]));
  const inside = ['comlink', 'valibot', 'fflate', 'onnxruntime-web'];
  for (const name of [...Object.keys(project.dependencies), ...inside])
    expect([name, listed.get(name)]).toEqual([name, project.dependencies[name] ?? project.devDependencies[name]]);
  for (const name of ['vitest', 'vite', 'typescript', 'playwright-core']) expect(listed.has(name)).toBe(false);
  const refs = new Set(sbom.components.map((each: Record<string, string>) => each['bom-ref']));
  for (const { dependsOn } of sbom.dependencies) for (const ref of dependsOn) expect(refs).toContain(ref);
});
