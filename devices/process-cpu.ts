/** Milliseconds of processors' time that this process has spent so far, all its threads together: a software adapter's too. */
export function processCpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
