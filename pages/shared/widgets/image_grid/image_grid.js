const GAP = 6; // as in the style sheet
const SMALLEST = 36, LARGEST = 160, TALLEST = 480; // side of a tile, height of the grid, in screen pixels
const EVEN = 0.6; // of its side, which a tile keeps at least for full rows
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
const HINT = "Point at a tile to read it, click to choose it.";
const instances = new WeakMap(); // what lives as long as the page shows the grid: the choice, the sheet, the size

const clamp = (index, limit) => Math.max(0, Math.min(limit - 1, index));

/** Screen pixels for one pixel of the sheet, a whole number, as large as keeps the grid in view; and tiles in a row. */
function arrange({ count, width, height, scale }, room) {
  const sides = width > LARGEST ? [160, 128, 96, 72] : [];
  for (let n = Math.floor(LARGEST / width); n * width >= SMALLEST; n--) sides.push(n * width);
  if (!sides.length) sides.push(Math.ceil(SMALLEST / width) * width);
  const across = side => Math.max(1, Math.floor((room + GAP) / (side + GAP)));
  const inView = side => Math.ceil(count / across(side)) * ((side * height) / width + GAP) <= TALLEST;
  const largest = scale ? scale * width : sides.find(inView) ?? sides.at(-1);
  const tried = [largest];
  for (let side = largest - width; !scale && side >= Math.max(SMALLEST, EVEN * largest); side -= width) tried.push(side);
  const { side, columns } = fullRows(count, room, GAP, tried);
  return { scale: Math.min(side, room) / width, across: columns };
}

/** Put the decoded sheet behind the tiles: a live grid must not flicker while the next one loads. */
async function loadSheet(own, png, tiles) {
  own.png = png;
  const bytes = Uint8Array.from(atob(png), letter => letter.charCodeAt(0));
  const url = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
  const sheet = new Image();
  sheet.src = url;
  await sheet.decode().catch(() => {});
  const stale = own.png === png ? own.url : url;
  if (stale !== url) {
    own.url = url;
    tiles.style.setProperty("--sheet", `url(${url})`);
  }
  if (stale) URL.revokeObjectURL(stale);
}

export default function ({ data, parentElement, setStateValue }) {
  const tiles = parentElement.querySelector(".tiles");
  const readout = parentElement.querySelector(".readout");
  const { count, width, height, columns } = data;
  const own = instances.get(parentElement) ?? { chosen: data.selected, mark: document.createElement("span") };
  const tileOf = element => [...tiles.children].indexOf(element.closest(".tile"));
  const name = tile => (data.labels[tile] ?? `tile ${tile}`) + (data.dead.includes(tile) ? " (dead)" : "");

  // A place is [tile, row, column].
  const exists = place => place?.[0] < count && place[1] < height && place[2] < width;
  const say = place => {
    readout.textContent = place ? `${name(place[0])} · row ${place[1]}, column ${place[2]}` : HINT;
  };
  const show = place => {
    say(place);
    own.mark.remove();
    if (!place) return;
    const [tile, row, column] = place;
    const { style } = own.mark;
    style.left = `${column * own.scale - 1}px`;
    style.top = `${row * own.scale - 1}px`;
    style.width = style.height = `${Math.max(2, own.scale)}px`;
    tiles.children[tile].append(own.mark);
  };
  const settle = () => {
    show(own.chosen);
    [...tiles.children].forEach((button, tile) => {
      button.ariaPressed = String(tile === own.chosen?.[0]);
      button.tabIndex = tile === (own.chosen?.[0] ?? 0) ? 0 : -1;
    });
  };
  const pointed = event => {
    const tile = tileOf(event.target);
    if (tile < 0) return null;
    const box = tiles.children[tile].getBoundingClientRect();
    const row = Math.floor((event.clientY - box.top) / own.scale);
    const column = Math.floor((event.clientX - box.left) / own.scale);
    return [tile, clamp(row, height), clamp(column, width)];
  };

  own.fit = () => {
    const room = tiles.clientWidth - GAP;
    // A scroll bar that comes and goes must not change the size to and fro.
    if (room <= 0 || (own.fitted === data && Math.abs(room - own.room) < 24)) return;
    Object.assign(own, { room, fitted: data, ...arrange(data, room) });
    const px = length => `${length * own.scale}px`;
    const sheetHeight = Math.ceil(count / columns) * height;
    tiles.style.setProperty("--size", `${px(columns * width)} ${px(sheetHeight)}`);
    tiles.style.setProperty("--columns", own.across);
    tiles.style.setProperty("--width", px(width));
    tiles.style.setProperty("--height", px(height));
    tiles.style.setProperty("--rendering", own.scale < 1 ? "auto" : "pixelated");
    [...tiles.children].forEach(({ style }, tile) => {
      style.backgroundPosition = `-${px((tile % columns) * width)} -${px(Math.floor(tile / columns) * height)}`;
    });
    settle();
  };

  if (!instances.has(parentElement)) {
    instances.set(parentElement, own);
    own.mark.className = "mark";
    own.observer = new ResizeObserver(() => own.fit());
    own.observer.observe(tiles);
  }
  if (!own.picked || !exists(own.chosen)) own.chosen = data.selected;
  if (!own.keys || !exists([0, ...own.keys])) own.keys = own.chosen?.slice(1) ?? [height >> 1, width >> 1];
  if (own.png !== data.png) loadSheet(own, data.png, tiles);
  tiles.ariaLabel = data.label;
  while (tiles.children.length > count) tiles.lastChild.remove();
  while (tiles.children.length < count) {
    tiles.append(Object.assign(document.createElement("button"), { type: "button", className: "tile" }));
  }
  [...tiles.children].forEach((button, tile) => {
    button.ariaLabel = name(tile);
    button.classList.toggle("dead", data.dead.includes(tile));
    button.onblur = () => show(own.chosen);
  });
  own.fit();

  tiles.onpointermove = event => say(pointed(event) ?? own.chosen);
  tiles.onpointerleave = () => say(own.chosen);
  tiles.onclick = event => {
    const tile = tileOf(event.target);
    if (tile < 0) return;
    const place = event.detail ? pointed(event) : [tile, ...own.keys]; // a press of Enter has no position
    const news = String(place) !== String(own.chosen);
    own.chosen = place;
    own.keys = place.slice(1);
    settle();
    own.picked ||= news;
    if (news) setStateValue("selection", place);
  };
  tiles.onkeydown = event => {
    const step = STEPS[event.key];
    let tile = tileOf(event.target);
    if (!step || tile < 0) return;
    event.preventDefault();
    if (event.shiftKey) {
      own.keys = [clamp(own.keys[0] + step[0], height), clamp(own.keys[1] + step[1], width)];
    } else {
      const next = tile + step[0] * own.across + step[1];
      tile = next in tiles.children ? next : tile;
      tiles.children[tile].focus();
    }
    show([tile, ...own.keys]);
  };
  return () => {
    own.observer.disconnect();
    own.png = null;
    if (own.url) URL.revokeObjectURL(own.url);
    instances.delete(parentElement);
  };
}
