/** The file's name for the scales of an int8 parameter: one number for each index of its first axis. */
export const scaleName = (name: string): string => `${name}.scale`;
