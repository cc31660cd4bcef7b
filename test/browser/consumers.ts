// Other people's projects around the packed package: their bundlers from a lock of their own (test/consumers), the package as
// `npm publish` would send it, and a plain server with the content security policy of docs/guide/browser.md.

import { execFileSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { copyFile, cp, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type OutgoingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const sources = join(root, 'test', 'consumers');
/** Where the projects lie, with the node_modules that they share. */
export const consumers = join(root, 'build', 'consumers');
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

export const run = (command: string, args: string[], cwd: string, env: Record<string, string> = {}): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: 'pipe', env: { ...process.env, ...env } });

/** The built package as a tarball. */
export async function pack(): Promise<string> {
  await mkdir(consumers, { recursive: true });
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', consumers];
  const [{ filename }] = JSON.parse(run(npm, args, root)) as [{ filename: string }];
  return join(consumers, filename);
}

/** The package alone, where its installation would leave it. */
export async function unpack(tarball: string): Promise<void> {
  const folder = join(consumers, 'node_modules', 'tmca-edge');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  run('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1'], consumers);
  // The bundlers may have other versions of these: an installation puts the package's own into the package.
  const { dependencies } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  await mkdir(join(folder, 'node_modules'));
  for (const name of Object.keys(dependencies))
    await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name), 'junction');
}

/** The projects with their bundlers, and with the package unpacked beside those, as its installation would leave it. */
export async function installConsumers(tarball: string): Promise<void> {
  const lock = await readFile(join(sources, 'package-lock.json'), 'utf8');
  // Left by the installation that is there.
  const stamp = join(consumers, 'node_modules', '.locked');
  if ((await readFile(stamp, 'utf8').catch(() => '')) !== lock) {
    for (const name of ['package.json', 'package-lock.json'])
      await copyFile(join(sources, name), join(consumers, name));
    await copyFile(join(root, '.npmrc'), join(consumers, '.npmrc'));
    run(npm, ['ci', '--ignore-scripts', '--prefer-offline'], consumers);
    await writeFile(stamp, lock);
  }
  await unpack(tarball);
  for (const name of await readdir(sources)) {
    if (/^package/.test(name)) continue;
    await rm(join(consumers, name), { recursive: true, force: true });
    await cp(join(sources, name), join(consumers, name), { recursive: true });
  }
}

/** What docs/guide/browser.md promises to suffice; read from there, so that nobody can change the one without the other. */
export async function documentedPolicy(): Promise<string> {
  const guide = await readFile(join(root, 'docs', 'guide', 'browser.md'), 'utf8');
  const [, lines] = /^const policy = \[\n(.*?)^\]/ms.exec(guide)!;
  return [...lines!.matchAll(/"([^"]+)",$/gm)].map(([, directive]) => directive).join('; ');
}

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
  '.jpg': 'image/jpeg',
};

export interface Served {
  readonly origin: string;
  /** Paths asked for, in their order. */
  readonly asked: string[];
  close(): void;
}

/**
 * Serves folders under addresses, the longest first, and nothing else. Answers to every request have the headers: a worker's policy
 * is that of its own script.
 */
export async function serve(
  folders: Readonly<Record<string, string>>,
  headers: OutgoingHttpHeaders | ((path: string) => OutgoingHttpHeaders),
): Promise<Served> {
  const asked: string[] = [];
  const mounts = Object.entries(folders).sort(([a], [b]) => b.length - a.length);
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url!, 'http://server').pathname);
    asked.push(path);
    for (const [name, value] of Object.entries(typeof headers === 'function' ? headers(path) : headers))
      response.setHeader(name, value!);
    const mount = mounts.find(([at]) => path === at || path.startsWith(at.endsWith('/') ? at : `${at}/`));
    let file = mount && normalize(join(mount[1], path.slice(mount[0].length)));
    if (file && path.endsWith('/')) file = join(file, 'index.html');
    const info = file ? await stat(file).catch(() => undefined) : undefined;
    if (!file || !info?.isFile()) {
      response.statusCode = 404;
      response.end('not found');
      return;
    }
    response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
    response.setHeader('content-length', info.size);
    createReadStream(file).pipe(response);
  });
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, close };
}

/** What every consumer's site has beside its own pages: the model and a sample. */
export const shared = {
  '/models': join(consumers, 'node_modules', 'tmca-edge', 'models'),
  '/sample.jpg': join(consumers, 'node_modules', 'tmca-edge', 'samples', 'polyp-small-pink.jpg'),
};

/** A page that loads a module. */
export async function writePage(folder: string, script: string, head = ''): Promise<void> {
  await mkdir(folder, { recursive: true });
  const page = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>page</title>${head}</head><body><script type="module" src="${script}"></script></body></html>`;
  await writeFile(join(folder, 'index.html'), page);
}
