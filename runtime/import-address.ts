// A module by its address, as the browser finds it. A file of its own: the build puts back the comments that keep bundlers from
// looking for the address themselves, which its minifier strips (keepIgnored in vite.config.ts).

/** @param address absolute, of a module that is served as it is */
export const importAddress = <Module>(address: string): Promise<Module> =>
  import(/* @vite-ignore */ /* webpackIgnore: true */ /* turbopackIgnore: true */ address);
