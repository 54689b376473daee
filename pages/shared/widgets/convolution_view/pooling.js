/** A pooling window over one map, forward and backward. */
class Pooling {
  constructor(data) {
    const [, height, width] = data.shape;
    const [, kernelHeight, kernelWidth] = data.kernel;
    const [top, left, bottom, right] = data.padding;
    this.down = axisOf(height, kernelHeight, data.stride[0], top, bottom, 1);
    this.right = axisOf(width, kernelWidth, data.stride[1], left, right, 1);
    Object.assign(this, { max: data.pool === "max", channels: 1, first: 0, count: 1, names: data.names });
    this.image = unpack(data.image);
    this.upstream = unpack(data.upstream);
    this.autograd = Object.fromEntries(Object.entries(data.autograd).map(([name, packed]) => [name, unpack(packed)]));
    this.cells = kernelHeight * kernelWidth;
    if (this.max) this.chosen = this.findLargest();
    this.modes = [pooledMode(this), routedMode(this)];
  }

  x(row, col) {
    const empty = this.max ? -Infinity : 0; // a border cell is never the largest
    if (!this.down.inside(row) || !this.right.inside(col)) return empty;
    return this.image[(row - this.down.before) * this.right.size + col - this.right.before];
  }
  g(row, col) {
    return this.upstream[row * this.right.count + col];
  }
  sees() {
    return true;
  }

  /** Of each window, its largest cell: the first of equals in reading order; not-a-number wins, as in PyTorch. */
  findLargest() {
    return range(this.down.count * this.right.count).map(index => {
      const rows = this.down.cells(Math.floor(index / this.right.count));
      const cols = this.right.cells(index % this.right.count);
      let best = null, high = -Infinity;
      for (const row of rows) {
        for (const col of cols) {
          const value = this.x(row, col);
          if (!this.down.inside(row) || !this.right.inside(col)) continue;
          if (best && !(value > high) && !Number.isNaN(value)) continue;
          best = [row, col];
          high = value;
        }
      }
      return best ?? [rows[0], cols[0]];
    });
  }

  /** The share of window (m, n) that belongs to a place of the bordered input: 1 or 0 for max, 1/cells for avg. */
  share(row, col, m, n) {
    if (!this.max) return 1 / this.cells;
    const [r, c] = this.chosen[m * this.right.count + n];
    return r === row && c === col ? 1 : 0;
  }

  marks(origin) {
    return this.max ? this.chosen.map(([row, col]) => [row - origin[0], col - origin[1]]) : [];
  }

  notes() {
    const { down, right } = this;
    const notes = [];
    if (down.count * right.count === 1) notes.push("The output is a single cell: the window has only one place.");
    const skipped = [down, right].some(axis => axis.count > 1 && axis.stride > axis.kernel);
    if (skipped) notes.push("The stride is larger than the window: no window sees the cells between, so their gradient is 0.");
    if (this.max) notes.push("A dot marks the largest cell of a window: the only one that its gradient goes back to.");
    return notes;
  }
}

const routed = (x, y) => (y === 0 ? 0 : x * y); // a cell that was not chosen gives nothing, whatever it holds

const pooledInput = op => ({
  key: "input", role: "input", title: "Input", symbol: "X", rows: op.down.padded, cols: op.right.padded,
  value: (row, col) => op.x(row, col),
  kind: (row, col) => (op.down.inside(row) && op.right.inside(col) ? "" : op.max ? "absent" : "border"),
  origin: [op.down.before, op.right.before], marks: op.marks([0, 0]),
});

function pooledMode(op) {
  const { down, right } = op;
  return {
    name: "forward", label: "Forward", result: "output", size: [down.count, right.count],
    words: ["patch", op.max ? "1 where it is largest" : "shares", op.max ? "chosen" : "products"],
    factors: ["input", "share"], largest: op.max,
    grids: () => [
      pooledInput(op),
      { key: "output", role: "output", title: op.max ? "Largest of each window" : "Average of each window", symbol: "Y",
        rows: down.count, cols: right.count, before: "→" },
      { ...upstreamGrid(op), before: "" },
    ],
    expected: (_, [row, col]) => op.autograd.output?.[row * right.count + col],
    at(_, [m, n]) {
      const rows = down.cells(m), cols = right.cells(n);
      const a = rows.flatMap(row => cols.map(col => op.x(row, col)));
      const b = rows.flatMap(row => cols.map(col => op.share(row, col, m, n)));
      const kinds = rows.flatMap(r =>
        cols.map(c => (down.inside(r) && right.inside(c) ? "" : op.max ? "absent" : "border")));
      const here = productsOf(rows.length, cols.length, a, b, routed);
      return { ...here, kinds, value: here.sum };
    },
    lit: ([row, col]) => ({
      input: { rows: down.cells(row), cols: right.cells(col) }, output: one([row, col]), upstream: one([row, col]),
    }),
    term: ([row, col], index) => ({
      input: [down.cells(row)[Math.floor(index / right.kernel)], right.cells(col)[index % right.kernel]],
    }),
    point: {
      input: (row, col) => ({ target: [down.around(row), right.around(col)] }),
      output: (row, col) => ({ target: [row, col] }),
      upstream: (row, col) => ({ target: [row, col] }),
    },
  };
}

function routedMode(op) {
  const { down, right } = op;
  const over = (axis, place) => range(axis.count).filter(index => axis.cells(index).includes(place));
  const windows = ([row, col]) => ({ rows: over(down, row + down.before), cols: over(right, col + right.before) });
  const sized = { rows: down.size, cols: right.size };
  return {
    name: "image", label: "∂L/∂X", result: "gradient", size: [down.size, right.size],
    words: ["upstream of its windows", op.max ? "1 where it was largest" : "its share", "products"],
    factors: ["upstream", "share"],
    grids: () => [
      upstreamGrid(op),
      { key: "gradient", role: "output", title: "Gradient at the input", symbol: "∂L/∂X", ...sized, before: "→" },
      { key: "input", role: "input", title: "Input", symbol: "X", ...sized, before: "",
        value: (row, col) => op.x(row + down.before, col + right.before), marks: op.marks([down.before, right.before]) },
    ],
    expected: (_, [row, col]) => op.autograd.image?.[row * right.size + col],
    at(_, target) {
      const { rows, cols } = windows(target);
      const a = rows.flatMap(m => cols.map(n => op.g(m, n)));
      const b = rows.flatMap(m => cols.map(n => op.share(target[0] + down.before, target[1] + right.before, m, n)));
      const here = productsOf(rows.length, cols.length, a, b, routed);
      return { ...here, value: here.sum };
    },
    lit: target => ({ upstream: windows(target), gradient: one(target), input: one(target) }),
    term: (target, index) => {
      const { rows, cols } = windows(target);
      return { upstream: [rows[Math.floor(index / cols.length)], cols[index % cols.length]] };
    },
    point: {
      upstream: (row, col) => ({
        target: [clamp(row * down.stride - down.before + (down.kernel >> 1), down.size),
          clamp(col * right.stride - right.before + (right.kernel >> 1), right.size)],
      }),
      gradient: (row, col) => ({ target: [row, col] }),
      input: (row, col) => ({ target: [row, col] }),
    },
  };
}
