/** A convolution of one output channel, forward and backward, every number from its definition. */
class Convolution {
  constructor(data) {
    const [, height, width] = data.shape;
    const [count, kernelHeight, kernelWidth] = data.kernel;
    const [top, left, bottom, right] = data.padding;
    Object.assign(this, { first: data.first, count, flip: data.flip, bias: unpack(data.bias)?.[0] ?? null, channels: data.shape[0] });
    this.down = axisOf(height, kernelHeight, data.stride[0], top, bottom, data.dilation[0]);
    this.right = axisOf(width, kernelWidth, data.stride[1], left, right, data.dilation[1]);
    this.image = unpack(data.image);
    this.weight = unpack(data.weight);
    this.upstream = unpack(data.upstream);
    this.names = data.names;
    this.autograd = Object.fromEntries(Object.entries(data.autograd).map(([name, packed]) => [name, unpack(packed)]));
    this.modes = [forwardMode(this), weightMode(this), imageMode(this), biasMode(this), matrixMode(this)];
  }

  /** The input with its border of zeros. */
  x(channel, row, col) {
    if (!this.down.inside(row) || !this.right.inside(col)) return 0;
    const line = channel * this.down.size + row - this.down.before;
    return this.image[line * this.right.size + col - this.right.before];
  }

  /** The weights as stored; zeros for a channel that this output channel does not look at. */
  w(channel, row, col) {
    if (!this.sees(channel)) return 0;
    return this.weight[((channel - this.first) * this.down.kernel + row) * this.right.kernel + col];
  }

  /** The weights turned by 180°. */
  turned(channel, row, col) {
    return this.w(channel, this.down.kernel - 1 - row, this.right.kernel - 1 - col);
  }

  /** The weights as they lie on the input, and as they lie on the upstream gradient. */
  lying(channel, row, col) {
    return this.flip ? this.turned(channel, row, col) : this.w(channel, row, col);
  }
  back(channel, row, col) {
    return this.flip ? this.w(channel, row, col) : this.turned(channel, row, col);
  }

  g(row, col) {
    return this.upstream[row * this.right.count + col];
  }

  /** Where a cell of the spread, bordered upstream gradient comes from: [row, column], "gap" or "border". */
  origin(row, col) {
    const at = [this.down, this.right].map((axis, side) => [row, col][side] - (axis.span - 1 - axis.before));
    const ends = [this.down, this.right].map(axis => (axis.count - 1) * axis.stride);
    if (at.some((place, side) => place < 0 || place > ends[side])) return "border";
    const steps = [at[0] / this.down.stride, at[1] / this.right.stride];
    return steps.every(Number.isInteger) ? steps : "gap";
  }
  spread(row, col) {
    const from = this.origin(row, col);
    return typeof from === "string" ? 0 : this.g(...from);
  }

  sees(channel) {
    return channel >= this.first && channel < this.first + this.count;
  }
  get seen() {
    return range(this.count).map(index => this.first + index);
  }

  /** What one channel gives to one output cell: the products under the window. */
  window(channel, row, col) {
    const rows = this.down.cells(row), cols = this.right.cells(col);
    const a = rows.flatMap(r => cols.map(c => this.x(channel, r, c)));
    const b = rows.flatMap((_, i) => cols.map((_, j) => this.lying(channel, i, j)));
    const kinds = rows.flatMap(r => cols.map(c => (this.down.inside(r) && this.right.inside(c) ? "" : "border")));
    return { ...productsOf(rows.length, cols.length, a, b), kinds };
  }

  /** All cells of the output, counted once. */
  outputs() {
    this.counted ??= range(this.down.count * this.right.count).map(index => {
      const rows = this.down.cells(Math.floor(index / this.right.count));
      const cols = this.right.cells(index % this.right.count);
      let value = this.bias ?? 0, mass = Math.abs(value);
      for (const channel of this.seen) {
        for (let i = 0; i < rows.length; i++) {
          for (let j = 0; j < cols.length; j++) {
            const product = this.x(channel, rows[i], cols[j]) * this.lying(channel, i, j);
            value += product;
            mass += Math.abs(product);
          }
        }
      }
      return { value, mass };
    });
    return this.counted;
  }

  notes() {
    const { down, right } = this;
    const notes = [];
    if (down.count * right.count === 1) notes.push("The output is a single cell: the window has only one place.");
    if (down.kernel > down.size || right.kernel > right.size) {
      const sizes = `${down.kernel}×${right.kernel}) is larger than the input (${down.size}×${right.size}`;
      notes.push(`The kernel (${sizes}): it fits only thanks to the padding, and much of each window is padding.`);
    }
    const skipped = [down, right].some(axis => axis.count > 1 && axis.stride > axis.span);
    if (skipped) notes.push("The stride is larger than the kernel: no window sees the cells between, so their gradient is 0.");
    if (this.count < this.channels) {
      const last = this.first + this.count - 1;
      const which = this.count === 1 ? `channel ${this.first}` : `channels ${this.first} to ${last}`;
      notes.push(`Grouped convolution: this output channel looks only at ${which} of ${this.channels}.`);
    }
    return notes;
  }
}
