const SIZE = { width: 720, height: 360 };
const MARGIN = { left: 70, right: 150, top: 40, bottom: 50 };
const COLORS = ['#1565c0', '#c62828', '#2e7d32', '#6a1b9a'];
const TICKS = 5;

interface Series {
  name: string;
  points: [x: number, y: number][];
}

export interface Plot {
  title: string;
  xLabel: string;
  yLabel: string;
  series: Series[];
  /** Both axes are linear and begin at 0. */
  isLinear?: boolean;
}

/**
 * Draws lines with a mark at each point. By default both axes are logarithmic, because loads and times grow by factors.
 * @returns SVG
 */
export function drawPlot({ title, xLabel, yLabel, series, isLinear = false }: Plot): string {
  const createScale = isLinear ? createLinearScale : createLogScale;
  const points = series.flatMap((each) => each.points);
  const x = createScale(
    points.map(([value]) => value),
    MARGIN.left,
    SIZE.width - MARGIN.right,
  );
  const y = createScale(
    points.map(([, value]) => value),
    SIZE.height - MARGIN.bottom,
    MARGIN.top,
  );
  const lines = series.map((each, index) => drawSeries(each, COLORS[index % COLORS.length] as string, index, x, y));
  const middle = (MARGIN.left + SIZE.width - MARGIN.right) / 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE.width} ${SIZE.height}" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    `<rect width="${SIZE.width}" height="${SIZE.height}" fill="white"/>`,
    text(middle, 22, title, 'text-anchor="middle" font-size="15"'),
    text(middle, SIZE.height - 12, xLabel, 'text-anchor="middle"'),
    text(0, 0, yLabel, `text-anchor="middle" transform="translate(16 ${SIZE.height / 2}) rotate(-90)"`),
    ...x.ticks.map((tick) => gridLine(x.at(tick), x.at(tick), MARGIN.top, SIZE.height - MARGIN.bottom)),
    ...x.ticks.map((tick) => text(x.at(tick), SIZE.height - MARGIN.bottom + 18, shorten(tick), 'text-anchor="middle"')),
    ...y.ticks.map((tick) => gridLine(MARGIN.left, SIZE.width - MARGIN.right, y.at(tick), y.at(tick))),
    ...y.ticks.map((tick) => text(MARGIN.left - 8, y.at(tick) + 4, shorten(tick), 'text-anchor="end"')),
    ...lines,
    '</svg>\n',
  ].join('\n');
}

interface Scale {
  at: (value: number) => number;
  ticks: number[];
}

function createLogScale(values: number[], start: number, end: number): Scale {
  const [low, high] = [Math.log(Math.min(...values) / 1.2), Math.log(Math.max(...values) * 1.2)];
  const at = (value: number) => start + ((Math.log(value) - low) / (high - low)) * (end - start);
  const ticks = Array.from({ length: TICKS }, (_, index) => Math.exp(low + ((high - low) * (index + 0.5)) / TICKS));
  return { at, ticks: ticks.map(round) };
}

function createLinearScale(values: number[], start: number, end: number): Scale {
  const high = Math.max(1, ...values) * 1.2;
  const ticks = Array.from({ length: TICKS }, (_, index) => round((high * (index + 0.5)) / TICKS));
  return { at: (value) => start + (value / high) * (end - start), ticks };
}

function drawSeries({ name, points }: Series, color: string, index: number, x: Scale, y: Scale): string {
  const places = points.map(([valueX, valueY]) => `${x.at(valueX).toFixed(1)},${y.at(valueY).toFixed(1)}`);
  const marks = places.map((place) => {
    const [cx, cy] = place.split(',');
    return `<circle cx="${cx}" cy="${cy}" r="3.5" fill="${color}"/>`;
  });
  const line = `<polyline points="${places.join(' ')}" fill="none" stroke="${color}" stroke-width="2"/>`;
  const label = text(SIZE.width - MARGIN.right + 12, MARGIN.top + 16 * (index + 1), name, `fill="${color}"`);
  return [line, ...marks, label].join('\n');
}

/** Rounds to one or two digits, so that a tick is easy to read. */
function round(value: number): number {
  return Number(value.toPrecision(value < 10 ? 1 : 2));
}

/** @returns for example `20k` for 20,000 */
function shorten(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(2))}M`;
  return value >= 1e3 ? `${Number((value / 1e3).toPrecision(2))}k` : `${value}`;
}

function gridLine(x1: number, x2: number, y1: number, y2: number): string {
  return `<line x1="${x1.toFixed(1)}" x2="${x2.toFixed(1)}" y1="${y1.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="#ddd"/>`;
}

function text(x: number, y: number, content: string, attributes: string): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escaped}</text>`;
}
