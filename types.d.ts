// Module shapes that only the bundler knows.
declare module '*.wgsl?raw' {
  const source: string;
  export default source;
}
declare module '*.py?raw' {
  const source: string;
  export default source;
}
declare module '*.deflate?inline' {
  /** `data:application/octet-stream;base64,…` */
  const url: string;
  export default url;
}
