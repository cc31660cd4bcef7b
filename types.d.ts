// Module shapes that only the bundler knows.
declare module '*.wgsl?raw' {
  const source: string;
  export default source;
}
declare module '*.wasm?inline' {
  /** `data:application/wasm;base64,…` */
  const url: string;
  export default url;
}
