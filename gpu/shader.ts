// From a kernel's WGSL to the text that a device compiles: header (extensions, element types, tile constants) + the
// shared functions that it names + its own source. The `.wgsl` file is never edited, so lines of a compiler's message
// map back to it (`locateLine`).

import { check, TmcaError } from '../errors/index.js';
import type { Shader, TextureKind, WeightStorage } from './kernel.js';
import { includes } from './kernels/shared/includes.js';

/** What the device can compile, as far as the header depends on it. */
export interface ShaderFeatures {
  /** `shader-f16`. */
  readonly f16: boolean;
  /** `subgroups`: a kernel or an include asks for it with `// enable: subgroups` in its first comment lines. */
  readonly subgroups: boolean;
}

/** A stretch of the assembled text and the file it came from. */
export interface ShaderPart {
  readonly file: string;
  readonly text: string;
}

/**
 * The text to compile: generated header, named includes, source.
 *
 * Types for the kernel's author: `act`, `act4`, and the conversions to them, `stored(x)`, `stored4(x)`; for weights read four at
 * a time `weight4` and `unpack_weight(w)`; for weights read one at a time `weight1`, `weight1_index(i)` and
 * `unpack_weight1(w, i)`, used as `unpack_weight1(bias[weight1_index(i)], i)`; where the factory names a texture, `source` and
 * `source_at(at)`.
 *
 * Where the factory names a packet, one source serves both widths: `PACKET` is 1 or 4, numbers are `Packet` in arithmetic and
 * `ActPacket` in storage (`Packet(x)`, `stored_packet(x)`), weights `unpack_packet(weight[packet_index(i)], i)`, and
 * `PacketBits` is what is copied without being read as a number. An access that truly differs begins `if (PACKET == 4u)`:
 * both branches must be valid in both widths, and one of them is compiled.
 *
 * Errors: UNSUPPORTED (f16 activations or subgroups on a device without them), INTERNAL (an include that does not exist).
 *
 * @example
 * assembleShader({ name: 'scale', source, act: 'f32', weight: 'f16', tile: { TILE_M: 4 } }, { f16: false, subgroups: false })
 */
export function assembleShader(
  shader: Shader,
  features: ShaderFeatures,
  own?: Readonly<Record<string, string>>,
): string {
  return shaderParts(shader, features, own)
    .map(part => part.text)
    .join('');
}

/**
 * The parts of `assembleShader`, in order; each ends in a line break.
 *
 * @param own includes that came with the device (`GpuDevice.includes`)
 */
export function shaderParts(
  shader: Shader,
  features: ShaderFeatures,
  own: Readonly<Record<string, string>> = {},
): ShaderPart[] {
  const asked = directives(shader.source);
  const available = { ...includes, ...own, ...shader.includes };
  const parts: ShaderPart[] = [];
  const enable = new Set(asked.enable);
  const include = (named: string): void => {
    const name = shader.swap?.[named] ?? named;
    const text = Object.hasOwn(available, name) ? available[name] : undefined;
    check(text !== undefined, 'INTERNAL', () => {
      const known = Object.keys(available).join(', ');
      return `assembleShader: ${shader.name}.wgsl must include a registered file (${known}), got "${name}"; add it to gpu/kernels/shared/includes.ts`;
    });
    const further = directives(text);
    for (const extension of further.enable) enable.add(extension);
    for (const other of further.include) include(other);
    parts.push({ file: `include/${name}.wgsl`, text: endLine(text) });
  };
  for (const named of asked.include) include(named);
  parts.unshift({ file: 'header', text: header(shader, features, [...enable]) });
  parts.push({ file: `${fileOf(shader)}.wgsl`, text: endLine(shader.source) });
  return parts;
}

/** What a kernel's WGSL is called, without what its name says of its packets. */
const fileOf = ({ name, packet }: Shader): string => (packet === 4 ? name.replace(/-vec4$/, '') : name);

/** File and line (from 1) of a line (from 1) of the assembled text. */
export function locateLine(parts: readonly ShaderPart[], line: number): { file: string; line: number } {
  let rest = line;
  for (const part of parts) {
    const lines = part.text.split('\n').length - 1;
    if (rest <= lines) return { file: part.file, line: rest };
    rest -= lines;
  }
  return { file: parts.at(-1)?.file ?? 'header', line };
}

/**
 * Equal keys mean one pipeline: name, includes swapped, element types, tile, overridable constants and what the device has of the features
 * that change the text. Kernels are told apart by name; one name stands for one source.
 */
export function shaderKey(
  shader: Shader,
  constants: Readonly<Record<string, number>> | undefined,
  features: ShaderFeatures,
): string {
  return [moduleKey(shader, features), sortedEntries(constants)].join('|');
}

/** As `shaderKey`, without the overridable constants: equal keys mean one shader module. */
export function moduleKey(shader: Shader, features: ShaderFeatures): string {
  const weight = shader.weight === 'f16' && !features.f16 ? 'f16-packed' : (shader.weight ?? '-');
  const swap = Object.entries(shader.swap ?? {}).flat();
  const packet = shader.packet === undefined ? [] : [`x${shader.packet}`];
  const texture = shader.texture === undefined ? [] : [shader.texture];
  return [shader.name, ...packet, ...texture, ...swap, shader.act, weight, sortedEntries(shader.tile)].join('|');
}

function sortedEntries(record: Readonly<Record<string, number>> | undefined): string {
  return Object.entries(record ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
}

/** `// include: a, b` and `// enable: subgroups` among the comment lines that open the file. */
function directives(source: string): { include: string[]; enable: string[] } {
  const found = { include: [] as string[], enable: [] as string[] };
  for (const line of source.split('\n')) {
    if (!/^\s*(\/\/|$)/.test(line)) break;
    const match = /^\s*\/\/\s*(include|enable):\s*(.*?)\s*$/.exec(line);
    if (match) found[match[1] as 'include' | 'enable'].push(...match[2]!.split(/\s*,\s*/));
  }
  return found;
}

function header(shader: Shader, features: ShaderFeatures, enable: readonly string[]): string {
  const { name, act, weight, packet, texture, tile = {} } = shader;
  check(
    act === 'f32' || features.f16,
    'UNSUPPORTED',
    `assembleShader: f16 activations of ${name} must have shader-f16, got a device without it; use act f32`,
  );
  const lines: string[] = [];
  if (act === 'f16' || (weight === 'f16' && features.f16)) lines.push('enable f16;');
  for (const extension of enable) lines.push(enableLine(name, extension, features));
  lines.push(`alias act = ${act};`, `alias act4 = vec4<${act}>;`, ...storeLines(act));
  if (weight !== undefined) lines.push(...weightLines(weight, features.f16));
  if (packet !== undefined) lines.push(...packetLines(packet, act, weight));
  if (texture !== undefined) lines.push(...textureLines(texture));
  for (const [constant, value] of Object.entries(tile)) lines.push(tileLine(name, constant, value));
  return `${lines.join('\n')}\n`;
}

function enableLine(kernel: string, extension: string, features: ShaderFeatures): string {
  if (extension !== 'subgroups')
    throw new TmcaError(
      'INTERNAL',
      `assembleShader: ${kernel}.wgsl must enable a known extension (subgroups), got "${extension}"; f16 follows from act and weight`,
    );
  check(
    features.subgroups,
    'UNSUPPORTED',
    `assembleShader: ${kernel} must have subgroups, got a device without them; choose the kernel that does without`,
  );
  return 'enable subgroups;';
}

/**
 * One number or four at a time: arithmetic on a packet is written once. `wide` and `narrow` serve functions that exist for vec4f
 * alone.
 */
function packetLines(packet: 1 | 4, act: 'f32' | 'f16', weight: WeightStorage | undefined): string[] {
  const four = packet === 4;
  const [f, unpack] = four ? ['vec4f', 'unpack_weight(w)'] : ['f32', 'unpack_weight1(w, i)'];
  const lines = [
    `const PACKET: u32 = ${packet}u;`,
    `alias Packet = ${f};`,
    `alias ActPacket = act${four ? 4 : ''};`,
    `alias PacketBits = ${act === 'f16' ? 'ActPacket' : four ? 'vec4u' : 'u32'};`,
    `fn wide(x: Packet) -> vec4f { return ${four ? 'x' : 'vec4f(x)'}; }`,
    `fn narrow(x: vec4f) -> Packet { return x${four ? '' : '.x'}; }`,
    `fn total(x: Packet) -> f32 { return ${four ? 'dot(x, vec4f(1.0))' : 'x'}; }`,
    act === 'f32'
      ? 'alias stored_packet = ActPacket;'
      : `fn stored_packet(x: Packet) -> ActPacket { return stored${four ? 4 : ''}(x); }`,
  ];
  if (weight === undefined) return lines;
  return [
    ...lines,
    `alias WeightPacket = weight${packet};`,
    `fn packet_index(i: u32) -> u32 { return ${four ? 'i' : 'weight1_index(i)'}; }`,
    `fn unpack_packet(w: WeightPacket, i: u32) -> Packet { return ${unpack}; }`,
  ];
}

/** A picture, read one pixel at a time, so that a frame of a video and a texture serve one source. */
const textureLines = (texture: TextureKind): string[] => [
  `@group(1) @binding(0) var source: ${texture === 'external' ? 'texture_external' : 'texture_2d<f32>'};`,
  `fn source_at(at: vec2u) -> vec4f { return textureLoad(source, at${texture === 'external' ? '' : ', 0'}); }`,
];

/**
 * `stored(x)` is what is written as act. Beyond f16 that is NaN: what a conversion gives there is the device's choice, and where
 * it rounds towards zero, a finite number and a wrong mask. 0x477ff000 is 65,520, the least f32 beyond it.
 */
function storeLines(act: 'f32' | 'f16'): string[] {
  if (act === 'f32') return ['alias stored = act;', 'alias stored4 = act4;'];
  const convert = (name: string, f: string, u: string, to: string, all: (bits: string) => string): string =>
    `fn ${name}(x: ${f}) -> ${to} { let b = bitcast<${u}>(x); ` +
    `return ${to}(select(x, bitcast<${f}>(b | ${all('0x7fc00000u')}), (b & ${all('0x7fffffffu')}) >= ${all('0x477ff000u')})); }`;
  return [
    convert('stored', 'f32', 'u32', 'act', bits => bits),
    convert('stored4', 'vec4f', 'vec4u', 'act4', bits => `vec4u(${bits})`),
  ];
}

/** Weights are read as f32 whatever they are stored in, so a kernel's arithmetic is written once. */
function weightLines(weight: WeightStorage, native: boolean): string[] {
  // Shifts, not unpack4xI8: that is a language feature which older browsers lack.
  if (weight === 'i8')
    return [
      'alias weight4 = u32;',
      'alias weight1 = u32;',
      'fn unpack_weight(w: weight4) -> vec4f { return vec4f((vec4i(i32(w)) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u)); }',
      'fn weight1_index(i: u32) -> u32 { return i >> 2u; }',
      'fn unpack_weight1(w: weight1, i: u32) -> f32 { return f32(i32(w << (24u - 8u * (i & 3u))) >> 24u); }',
    ];
  if (weight === 'f16' && !native)
    return [
      'alias weight4 = vec2u;',
      'alias weight1 = u32;',
      'fn unpack_weight(w: weight4) -> vec4f { return vec4f(unpack2x16float(w.x), unpack2x16float(w.y)); }',
      'fn weight1_index(i: u32) -> u32 { return i >> 1u; }',
      'fn unpack_weight1(w: weight1, i: u32) -> f32 { return unpack2x16float(w)[i & 1u]; }',
    ];
  return [
    `alias weight4 = vec4<${weight}>;`,
    `alias weight1 = ${weight};`,
    'fn unpack_weight(w: weight4) -> vec4f { return vec4f(w); }',
    'fn weight1_index(i: u32) -> u32 { return i; }',
    'fn unpack_weight1(w: weight1, i: u32) -> f32 { return f32(w); }',
  ];
}

function tileLine(kernel: string, name: string, value: number): string {
  check(
    Number.isInteger(value) && value >= 0 && value < 2 ** 32,
    'INTERNAL',
    `assembleShader: tile ${name} of ${kernel} must be an unsigned integer, got ${value}; correct the kernel's factory`,
  );
  return `const ${name}: u32 = ${value}u;`;
}

const endLine = (text: string): string => (text.endsWith('\n') ? text : `${text}\n`);
