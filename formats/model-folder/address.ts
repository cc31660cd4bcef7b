// Where a model folder's files are on a server. Apart, for pages that load no reader of them.

/** The address of a file of a folder. A query (a signature, a version) stays at its end. */
export function addressOf(location: string, name: string): string {
  const [, path = '', query = ''] = /^([^?#]*)(\?[^#]*)?/.exec(location) ?? [];
  return `${path.replace(/\/*$/, '/')}${encodeURIComponent(name)}${query}`;
}
