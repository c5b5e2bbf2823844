/**
 * The picture of a measurement: `plot(measured, classes)` gives an SVG with a panel for each class, nanoseconds per packet against flows,
 * both logarithmic, since a linear ruleset would else flatten all others onto the axis.
 */

/** Linear rulesets in reds, zonewright's in greens and blues. */
const colours = {
  empty: '#666666',
  linear: '#c1440e',
  'linear-legacy': '#e07b39',
  'linear-nf_tables': '#8c2f39',
  nftables: '#0b6e4f',
  legacy: '#1f78b4',
  'legacy-trees': '#6a3d9a',
  nf_tables: '#33a02c',
  'nf_tables-trees': '#a6761d',
};
const panel = { width: 520, height: 320, left: 70, right: 170, top: 40, bottom: 50 };

export function plot({ mix, sizes, rulesets }, classes) {
  const xs = sizes.map(({ flows }) => flows);
  const values = sizes.flatMap(({ cost }) => classes.flatMap((kind) => Object.values(cost[kind]).map(({ best }) => best)));
  const low = 10 ** Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(...values) * 1.2;
  const inner = { width: panel.width - panel.left - panel.right, height: panel.height - panel.top - panel.bottom };
  const x = (flows) => panel.left + (xs.length === 1 ? inner.width / 2 : (Math.log(flows / xs[0]) / Math.log(xs.at(-1) / xs[0])) * inner.width);
  const y = (value) => panel.top + inner.height * (1 - Math.log(value / low) / Math.log(high / low));
  const ticks = [];
  for (let power = low; power <= high; power *= 10) for (const step of [1, 2, 5]) if (power * step <= high) ticks.push(power * step);
  const panels = classes.map((kind, index) => {
    const parts = [`<text x="${panel.left}" y="24" font-size="15" font-weight="bold">${kind}</text>`];
    for (const value of ticks) {
      parts.push(`<line x1="${panel.left}" x2="${panel.left + inner.width}" y1="${at(y(value))}" y2="${at(y(value))}" stroke="#dddddd"/>`);
      parts.push(`<text x="${panel.left - 8}" y="${at(y(value) + 4)}" text-anchor="end">${value.toLocaleString('en-GB')}</text>`);
    }
    for (const flows of xs)
      parts.push(`<text x="${at(x(flows))}" y="${panel.height - panel.bottom + 18}" text-anchor="middle">${flows.toLocaleString('en-GB')}</text>`);
    parts.push(`<text x="${panel.left + inner.width / 2}" y="${panel.height - panel.bottom + 38}" text-anchor="middle">flows</text>`);
    const ends = [];
    for (const name of rulesets) {
      // A ruleset may be missing at some sizes.
      const there = sizes.filter(({ cost }) => cost[kind][name] !== undefined);
      if (there.length === 0) continue;
      const points = there.map(({ flows, cost }) => [x(flows), y(cost[kind][name].best)]);
      parts.push(`<polyline points="${points.map((point) => point.map(at).join(',')).join(' ')}" fill="none" stroke="${colours[name]}" stroke-width="2"/>`);
      for (const [cx, cy] of points) parts.push(`<circle cx="${at(cx)}" cy="${at(cy)}" r="3" fill="${colours[name]}"/>`);
      ends.push({ name, y: points.at(-1)[1], value: there.at(-1).cost[kind][name].best });
    }
    // Labels stand at the ends of their lines, pushed apart where lines meet.
    ends.sort((a, b) => a.y - b.y);
    let last = -Infinity;
    for (const { name, y, value } of ends) {
      last = Math.max(y + 4, last + 14);
      parts.push(`<text x="${panel.left + inner.width + 8}" y="${at(last)}" fill="${colours[name]}">${name} ${value.toFixed(0)}</text>`);
    }
    return `<g transform="translate(${(index % 2) * panel.width} ${30 + Math.floor(index / 2) * panel.height})">${parts.join('\n')}</g>`;
  });
  const height = 30 + Math.ceil(classes.length / 2) * panel.height;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${2 * panel.width} ${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
<text x="${panel.left}" y="24" font-size="16">ns per packet on the whole path (veth, routing, conntrack, ruleset), mix ${mix}</text>
${panels.join('\n')}
</svg>
`;
}

function at(value) {
  return value.toFixed(1);
}
