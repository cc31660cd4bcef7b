// Packages that a user installs only for what needs them (`peerDependenciesMeta` of package.json): the error that names the one that is
// missing. Node alone has such packages; a page needs none.

import { TmcaError } from './index.js';

/** What to ask npm for: the versions that this package is tested with, as in package.json. */
export const optionalPackages = { sharp: '0.35.5', webgpu: '0.6.2' } as const;

export type OptionalPackage = keyof typeof optionalPackages;

/** The arguments of `npm install`. */
export const specifierOf = (name: OptionalPackage): string => `${name}@${optionalPackages[name]}`;

/**
 * What `load` imports from the package. Other failures of the package itself pass as they are.
 *
 * @throws TmcaError PACKAGE_MISSING, with the line that installs it
 * @example
 * const { default: sharp } = await fromPackage('sharp', 'decodeImage', () => import('sharp'));
 */
export async function fromPackage<T>(name: OptionalPackage, where: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if (!isMissing(cause, name)) throw cause;
    throw new TmcaError(
      'PACKAGE_MISSING',
      `${where}: the package ${name} must be installed, got none; run: npm install ${specifierOf(name)}`,
      { cause },
    );
  }
}

/** Not where the package is there and something that it needs is not: that is for its own installation to repair. */
function isMissing(error: unknown, name: string): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return code === 'ERR_MODULE_NOT_FOUND' && new RegExp(`package '${name}'`).test(String(message));
}
