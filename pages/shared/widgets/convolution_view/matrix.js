const MOST_ROWS = 27; // of the unrolled matrix on the screen: three channels of 3×3
const MATRIX_CELL = 30; // its side in screen pixels

const fits = room => Math.max(2, Math.floor((room - SIGN - 2 * EDGE) / MATRIX_CELL));

/** The same sum as a row of weights times a matrix that holds each window as a column (im2col). */
function matrixMode(op) {
  const { down, right } = op;
  const cells = down.kernel * right.kernel;
  const [rows, cols] = [op.count * cells, down.count * right.count];
  const forward = forwardMode(op);
  const place = index => {
    const rest = index % cells;
    return [op.first + Math.floor(index / cells), Math.floor(rest / right.kernel), rest % right.kernel];
  };
  const window = index => [Math.floor(index / right.count), index % right.count];
  const unrolled = (row, col) => {
    const [channel, i, j] = place(row);
    const [m, n] = window(col);
    return op.x(channel, down.cells(m)[i], right.cells(n)[j]);
  };
  const hatched = (row, col) => {
    const [, i, j] = place(row);
    const [m, n] = window(col);
    return down.inside(down.cells(m)[i]) && right.inside(right.cells(n)[j]) ? "" : "border";
  };
  const column = ([row, col]) => row * right.count + col;
  const isCut = view => view.rows < rows || view.cols < cols;
  return {
    ...forward, name: "matrix", label: "As a matrix product", factors: ["weights", "unrolled"], parts: ["unrolled", "weights"],

    /** Which part of the matrix is drawn: all that fits, else the columns around the chosen one. */
    cut(channel, target, most, old) {
      const shown = { rows: Math.min(rows, MOST_ROWS, most), cols: Math.min(cols, most) };
      const chosen = column(target);
      const start = op.sees(channel) ? (channel - op.first) * cells : 0;
      const top = Math.min(shown.rows === rows ? 0 : start, rows - shown.rows);
      const stays = old && old.cols === shown.cols && chosen >= old.left && chosen < old.left + shown.cols;
      const left = stays ? old.left : Math.max(0, Math.min(cols - shown.cols, chosen - (shown.cols >> 1)));
      return { ...shown, top, left };
    },
    grids: (_, view) => [
      {
        key: "weights", role: "kernel", title: `Kernel as a row, 1 × ${rows}`, symbol: "K", rows: 1, cols: view.rows,
        value: (_, col) => op.lying(...place(view.top + col)), origin: [0, -view.top],
        name: (_, col) => {
          const [channel, i, j] = place(view.top + col);
          return `channel ${channel}, row ${i}, column ${j}`;
        },
      },
      {
        key: "unrolled", role: "input", title: `Unrolled input, ${rows} × ${cols}`, symbol: "U", before: "×",
        rows: view.rows, cols: view.cols, value: (row, col) => unrolled(view.top + row, view.left + col),
        kind: (row, col) => hatched(view.top + row, view.left + col), origin: [-view.top, -view.left],
      },
      {
        key: "output", role: "output", title: `Output as a row, 1 × ${cols}`, symbol: "Y", before: "=",
        rows: 1, cols: view.cols, origin: [0, -view.left],
        value: (_, col) => op.outputs()[view.left + col].value,
        kind: () => "",
      },
    ],
    at(channel, target) {
      const here = forward.at(channel, target);
      const flat = here.parts.flatMap(part => range(cells).map(index => ({ a: part.a[index], b: part.b[index], kind: part.kinds[index] })));
      return { ...here, flat };
    },
    lit: (target, view) => ({
      weights: { rows: [0], cols: range(view.rows) },
      unrolled: { rows: range(view.rows), cols: [column(target) - view.left] },
      output: one([0, column(target) - view.left]),
    }),
    term: (target, index, view) => {
      const row = index - view.top;
      return row < 0 || row >= view.rows ? {} : { weights: [0, row], unrolled: [row, column(target) - view.left] };
    },
    point: {
      weights: (_, col, target, view) => ({ term: view.top + col }),
      unrolled: (row, col, target, view) => ({ target: window(view.left + col), term: view.top + row }),
      output: (_, col, target, view) => ({ target: window(view.left + col) }),
    },
    walk: (key, target, step) =>
      key !== "weights" && step?.[1] ? window(clamp(column(target) + step[1], cols)) : null,
    note: view =>
      isCut(view)
        ? `The matrix is ${rows} × ${cols}: rows ${view.top} to ${view.top + view.rows - 1} and columns ${view.left} ` +
          `to ${view.left + view.cols - 1} are drawn, around the chosen one; the sum is over all.`
        : "",
  };
}
