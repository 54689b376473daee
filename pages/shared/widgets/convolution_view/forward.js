const inputGrid = (op, channel) => ({
  key: "input", role: "input", title: "Input", symbol: "X", rows: op.down.padded, cols: op.right.padded,
  value: (row, col) => op.x(channel, row, col),
  kind: (row, col) => (op.down.inside(row) && op.right.inside(col) ? "" : "border"),
  origin: [op.down.before, op.right.before],
});
const kernelGrid = (op, channel, of, title) => ({
  key: "kernel", role: "kernel", title, symbol: "K", rows: op.down.kernel, cols: op.right.kernel,
  value: (row, col) => of.call(op, channel, row, col),
  kind: () => (op.sees(channel) ? "" : "absent"),
});
const upstreamGrid = op => ({
  key: "upstream", role: "upstream", title: "Upstream gradient", symbol: "∂L/∂Y",
  rows: op.down.count, cols: op.right.count, value: (row, col) => op.g(row, col),
});
const one = ([row, col]) => ({ rows: [row], cols: [col] });

function forwardMode(op) {
  const { down, right } = op;
  return {
    name: "forward", label: "Forward", result: "output", size: [down.count, right.count],
    words: ["patch", "kernel", "products"], factors: ["input", "kernel"],
    grids: channel => [
      inputGrid(op, channel),
      { ...kernelGrid(op, channel, op.lying, op.flip ? "Kernel, turned by 180°" : "Kernel"), before: "∗" },
      { key: "output", role: "output", title: "Output", symbol: "Y", rows: down.count, cols: right.count, before: "=" },
      { ...upstreamGrid(op), before: "" },
    ],
    totals: () => op.outputs(),
    expected: (_, [row, col]) => op.autograd.output?.[row * right.count + col],
    at(channel, [row, col]) {
      const sums = op.seen.map(seen => ({ channel: seen, ...op.window(seen, row, col) }));
      const here = sums.find(sum => sum.channel === channel) ?? op.window(channel, row, col);
      const bias = op.bias ?? 0;
      const value = sums.reduce((sum, part) => sum + part.sum, bias);
      const mass = sums.reduce((sum, part) => sum + part.mass, Math.abs(bias));
      return { ...here, value, parts: sums, bias: op.bias, mass };
    },
    lit: ([row, col]) => ({
      input: { rows: down.cells(row), cols: right.cells(col) },
      kernel: { rows: range(down.kernel), cols: range(right.kernel) },
      output: one([row, col]), upstream: one([row, col]),
    }),
    term: ([row, col], index) => {
      const i = Math.floor(index / right.kernel), j = index % right.kernel;
      return { input: [down.cells(row)[i], right.cells(col)[j]], kernel: [i, j] };
    },
    point: {
      input: (row, col) => ({ target: [down.around(row), right.around(col)] }),
      kernel: (row, col) => ({ term: row * right.kernel + col }),
      output: (row, col) => ({ target: [row, col] }),
      upstream: (row, col) => ({ target: [row, col] }),
    },
  };
}
