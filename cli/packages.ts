// Where the command lacks a package: one line that installs all that are missing, as this installation takes them.

import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TmcaError } from '../errors/index.js';
import { type OptionalPackage, optionalPackages, specifierOf } from '../errors/optional-package.js';

/** This package's folder, from `cli/` and from the built `dist/` alike. */
const ownFolder = (): string => dirname(dirname(fileURLToPath(import.meta.url)));

/** @param folder of this package */
export function missingPackages(folder = ownFolder()): OptionalPackage[] {
  // As Node looks for a package: in node_modules here and in every folder above.
  const isThere = (name: string, from = folder): boolean =>
    existsSync(join(from, 'node_modules', name, 'package.json')) ||
    (dirname(from) !== from && isThere(name, dirname(from)));
  return (Object.keys(optionalPackages) as OptionalPackage[]).filter(name => !isThere(name));
}

/** What to type: npx, a global installation and a project take packages in different ways. */
export function installLine(names: readonly OptionalPackage[], folder = ownFolder()): string {
  const packages = names.map(specifierOf);
  const modules = dirname(folder);
  if (/[\\/]_npx[\\/]/.test(folder))
    return ['npx -p tmca-edge', ...packages.map(name => `-p ${name}`), 'tmca …'].join(' ');
  const isGlobal = basename(modules) === 'node_modules' && !existsSync(join(dirname(modules), 'package.json'));
  return `npm install ${isGlobal ? '-g ' : ''}${packages.join(' ')}`;
}

/** An error that names one package, with the line for all of them; any other error as it is. */
export function withInstallLine(error: unknown, folder = ownFolder()): unknown {
  if (!(error instanceof TmcaError) || error.code !== 'PACKAGE_MISSING') return error;
  const missing = missingPackages(folder);
  if (missing.length === 0) return error;
  const message = error.message.replace(/run: npm install .*$/, `run: ${installLine(missing, folder)}`);
  return new TmcaError(error.code, message, { cause: error });
}
