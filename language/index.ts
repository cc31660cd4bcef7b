// Language in a page or in Node: what texts say, without a model and without a network.

export { type ErrorCode, TmcaError } from '../errors/index.js';
export * from './reports/index.js';
