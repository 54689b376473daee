function weightMode(op) {
  const { down, right } = op;
  const turn = ([row, col]) => (op.flip ? [down.kernel - 1 - row, right.kernel - 1 - col] : [row, col]);
  const met = target => {
    const [i, j] = turn(target);
    return {
      rows: range(down.count).map(row => row * down.stride + i * down.dilation),
      cols: range(right.count).map(col => col * right.stride + j * right.dilation),
    };
  };
  const sized = { rows: down.kernel, cols: right.kernel };
  return {
    name: "weight", label: "∂L/∂K", result: "gradient", size: [down.kernel, right.kernel],
    words: ["input cells it met", "upstream", "products"], factors: ["input", "upstream"],
    grids: channel => [
      inputGrid(op, channel),
      { ...upstreamGrid(op), before: "∗" },
      { key: "gradient", role: "output", title: "Gradient at the kernel", symbol: "∂L/∂K", ...sized, before: "=" },
      { ...kernelGrid(op, channel, op.w, "Kernel"), before: "" },
    ],
    expected: (channel, [row, col]) =>
      op.sees(channel) ? op.autograd.weight?.[((channel - op.first) * down.kernel + row) * right.kernel + col] : 0,
    at(channel, target) {
      const { rows, cols } = met(target);
      const seen = op.sees(channel);
      const a = rows.flatMap(row => cols.map(col => op.x(channel, row, col)));
      const b = rows.flatMap((_, row) => cols.map((_, col) => (seen ? op.g(row, col) : 0)));
      const kinds = rows.flatMap(r => cols.map(c => (down.inside(r) && right.inside(c) ? "" : "border")));
      const here = productsOf(rows.length, cols.length, a, b);
      return { ...here, kinds, value: here.sum };
    },
    lit: target => ({
      input: met(target), upstream: { rows: range(down.count), cols: range(right.count) },
      gradient: one(target), kernel: one(target),
    }),
    term: (target, index) => {
      const row = Math.floor(index / right.count), col = index % right.count;
      const { rows, cols } = met(target);
      return { input: [rows[row], cols[col]], upstream: [row, col] };
    },
    point: {
      input: (row, col, target) => {
        const { rows, cols } = met(target);
        const at = [rows.indexOf(row), cols.indexOf(col)];
        return { term: at.includes(-1) ? -1 : at[0] * right.count + at[1] };
      },
      upstream: (row, col) => ({ term: row * right.count + col }),
      gradient: (row, col) => ({ target: [row, col] }),
      kernel: (row, col) => ({ target: [row, col] }),
    },
  };
}

function imageMode(op) {
  const { down, right } = op;
  const under = ([row, col]) => ({
    rows: range(down.kernel).map(i => row + i * down.dilation),
    cols: range(right.kernel).map(j => col + j * right.dilation),
  });
  const spread = [down.size + down.span - 1, right.size + right.span - 1];
  const strides = down.stride === right.stride ? down.stride : `${down.stride}, ${right.stride}`;
  const middle = (place, axis) => clamp(Math.round(place - (axis.span - 1) / 2), axis.size);
  const sized = { rows: down.size, cols: right.size };
  const kind = (row, col) => (typeof op.origin(row, col) === "string" ? op.origin(row, col) : "");
  return {
    name: "image", label: "∂L/∂X", result: "gradient", size: [down.size, right.size],
    words: ["upstream under the kernel", op.flip ? "kernel" : "kernel, turned", "products"],
    factors: ["spread", "kernel"],
    grids: channel => [
      {
        key: "spread", role: "upstream", symbol: "G", rows: spread[0], cols: spread[1],
        title: strides === 1 ? "Upstream, padded" : `Upstream, spread by ${strides}, padded`,
        value: (row, col) => op.spread(row, col),
        kind,
        origin: [down.span - 1 - down.before, right.span - 1 - right.before],
      },
      { ...kernelGrid(op, channel, op.back, op.flip ? "Kernel, as it is stored" : "Kernel, turned by 180°"), before: "∗" },
      { key: "gradient", role: "output", title: "Gradient at the input", symbol: "∂L/∂X", ...sized, before: "=" },
      {
        key: "input", role: "input", title: "Input", symbol: "X", ...sized, before: "",
        value: (row, col) => op.x(channel, row + down.before, col + right.before),
      },
    ],
    expected: (channel, [row, col]) => op.autograd.image?.[(channel * down.size + row) * right.size + col],
    at(channel, target) {
      const { rows, cols } = under(target);
      const a = rows.flatMap(row => cols.map(col => op.spread(row, col)));
      const b = rows.flatMap((_, i) => cols.map((_, j) => op.back(channel, i, j)));
      const kinds = rows.flatMap(row => cols.map(col => kind(row, col)));
      const here = productsOf(rows.length, cols.length, a, b);
      return { ...here, kinds, value: here.sum };
    },
    lit: target => ({
      spread: under(target), kernel: { rows: range(down.kernel), cols: range(right.kernel) },
      gradient: one(target), input: one(target),
    }),
    term: (target, index) => {
      const i = Math.floor(index / right.kernel), j = index % right.kernel;
      const { rows, cols } = under(target);
      return { spread: [rows[i], cols[j]], kernel: [i, j] };
    },
    point: {
      spread: (row, col) => ({ target: [middle(row, down), middle(col, right)] }),
      kernel: (row, col) => ({ term: row * right.kernel + col }),
      gradient: (row, col) => ({ target: [row, col] }),
      input: (row, col) => ({ target: [row, col] }),
    },
  };
}

function biasMode(op) {
  const { down, right } = op;
  return {
    name: "bias", label: "∂L/∂b", result: "gradient", size: [1, 1], terms: down.count * right.count,
    words: null, factors: ["upstream"],
    grids: () => [
      { ...upstreamGrid(op), before: "Σ" },
      { key: "gradient", role: "output", title: "Gradient at the bias", symbol: "∂L/∂b", rows: 1, cols: 1, before: "=" },
    ],
    expected: () => op.autograd.bias?.[0],
    at() {
      const values = [...op.upstream];
      const here = productsOf(down.count, right.count, values, values, value => value);
      return { ...here, b: null, value: here.sum };
    },
    lit: () => ({ upstream: { rows: range(down.count), cols: range(right.count) }, gradient: one([0, 0]) }),
    term: (_, index) => ({ upstream: [Math.floor(index / right.count), index % right.count] }),
    point: {
      upstream: (row, col) => ({ term: row * right.count + col }),
      gradient: () => ({ target: [0, 0] }),
    },
  };
}
