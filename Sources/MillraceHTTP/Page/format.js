/* Numbers as people read them, and rates out of what was seen before. */

const bytes = (count) => {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let index = 0;
  while (count >= 999.5 && index < units.length - 1) { count /= 1000; index += 1; }
  return `${count >= 99.95 || index === 0 ? Math.round(count) : count.toFixed(1)} ${units[index]}`;
};
const rate = (value) => (value === null ? "–" : `${bytes(value)}/s`);
const duration = (seconds) => {
  if (seconds === null || !Number.isFinite(seconds)) return "–";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
};
const wait = (seconds) => (seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`);
/* Never 100 before all is there. */
const percent = (part, whole) => (whole > 0 ? Math.floor((100 * part) / whole) : 100);

/* Counters by name, kept for some seconds: the rate is their rise over the window. */
class Rates {
  constructor(windowSeconds) { this.windowSeconds = windowSeconds; this.samples = new Map(); }
  add(name, seconds, value) {
    const list = this.samples.get(name) ?? [];
    if (list.length > 0 && (seconds < list[list.length - 1].seconds || value < list[list.length - 1].value)) list.length = 0;
    list.push({ seconds, value });
    while (list.length > 2 && seconds - list[1].seconds >= this.windowSeconds) list.shift();
    this.samples.set(name, list);
  }
  of(name) {
    const list = this.samples.get(name);
    if (!list || list.length < 2) return null;
    const [first, last] = [list[0], list[list.length - 1]];
    return last.seconds > first.seconds ? (last.value - first.value) / (last.seconds - first.seconds) : null;
  }
}

/* The last two minutes of a rate, one value a second. */
class History {
  constructor(count) { this.count = count; this.values = []; }
  add(received, sent) {
    this.values.push({ received: received ?? 0, sent: sent ?? 0 });
    if (this.values.length > this.count) this.values.shift();
  }
}
