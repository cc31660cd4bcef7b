// `npm run sbom [-- OUT.json]`: what the package consists of, as CycloneDX JSON, into build/sbom.cdx.json unless told otherwise.
// npm lists what an installation fetches; libraries that are compiled into dist or copied into onnxruntime are development
// dependencies to npm, so they are added. Needs `npm run build`.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Their files are copied (tools/copy-onnxruntime.mjs); the build does not see them. */
const copied = ['onnxruntime-web', 'onnxruntime-common'];

/**
 * Names of the packages that a build compiled in.
 *
 * @param {string} licenses dist/LICENSES.md
 */
export const compiledIn = licenses => [...licenses.matchAll(/^## (\S+) - \S+ \(/gm)].map(([, name]) => name);

/**
 * The part of `all` that is shipped or fetched.
 *
 * @param {object} all CycloneDX of npm, development dependencies included
 * @param {object} fetched the same without them
 * @param {string[]} shipped names of packages inside of ours
 * @param {string} name ours: npm writes the folder's
 */
export function shippedSbom(all, fetched, shipped, name) {
  const missing = shipped.filter(shippedName => !all.components.some(component => component.name === shippedName));
  if (missing.length > 0)
    throw new Error(`sbom: npm must know what is shipped, got no ${missing.join(', ')}; run npm ci`);
  const root = all.metadata.component['bom-ref'];
  const refs = new Set([root, ...fetched.components.map(component => component['bom-ref'])]);
  for (const component of all.components) if (shipped.includes(component.name)) refs.add(component['bom-ref']);
  const components = all.components
    .filter(component => refs.has(component['bom-ref']))
    .map(({ properties = [], ...component }) => ({
      ...component,
      scope: 'required',
      properties: properties.filter(property => property.name !== 'cdx:npm:package:development'),
    }));
  const dependencies = all.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter(on => refs.has(on)) }));
  return {
    ...all,
    metadata: { ...all.metadata, component: { ...all.metadata.component, name } },
    components,
    dependencies,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const windows = process.platform === 'win32';
  const npm = (...args) =>
    JSON.parse(
      execFileSync(windows ? 'npm.cmd' : 'npm', ['sbom', '--sbom-format', 'cyclonedx', ...args], {
        cwd: root,
        encoding: 'utf8',
        maxBuffer: 2 ** 26,
        shell: windows,
      }),
    );
  const { name, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const compiled = compiledIn(readFileSync(join(root, 'dist', 'LICENSES.md'), 'utf8'));
  // npm leaves a dependency out that a development dependency names as its peer too
  const shipped = [...Object.keys(dependencies), ...compiled, ...copied];
  const sbom = shippedSbom(npm(), npm('--omit', 'dev'), shipped, name);
  const out = resolve(process.argv[2] ?? join(root, 'build', 'sbom.cdx.json'));
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, `${JSON.stringify(sbom, null, 2)}\n`);
  console.log(`${out}: ${sbom.components.length} packages`);
}
