const LARGEST = 40, TALLEST = 420; // of a cell and of a grid, in screen pixels
const SIGN = 38, NARROW_SIGN = 28, NARROW = 560; // width of the sign before a grid, and where it gets narrower

/** How many pixels wide a cell of each grid becomes: readable numbers first, then all grids in one row. */
function fitted(specs, room, titles) {
  const sign = room < NARROW ? NARROW_SIGN : SIGN;
  const most = specs.map(({ rows, cols }) => Math.min(LARGEST, TALLEST / rows, (room - 2 * EDGE - sign) / cols));
  const alone = most.map(whole);
  const least = specs.map(({ cols }, at) => (most[at] >= NUMBERED ? NUMBERED : Math.min(most[at], Math.max(4, 200 / cols))));
  const row = [...alone];
  const width = at => Math.max(row[at] * specs[at].cols + 2 * EDGE, titles[at]) + (at ? sign : 0);
  const total = () => row.reduce((sum, _, at) => sum + width(at), 0);
  while (room >= NARROW && total() > room) {
    const can = range(row.length).filter(at => row[at] > least[at]);
    if (!can.length) break;
    const widest = can.reduce((best, at) => (width(at) > width(best) ? at : best));
    row[widest] = row[widest] > 3 ? Math.ceil(row[widest] - 1) : row[widest] * 0.9;
  }
  if (total() <= room || room < NARROW) return row;
  return alone.map((side, at) => Math.min(side, whole(Math.max(least[at], (room / 2 - sign) / specs[at].cols))));
}

const whole = side => (side >= 3 ? Math.floor(side) : side);
