const BEAT = 1400, TWEEN = 700; // milliseconds: of each moment, of a move
const REACH = 14, EDGE = 18, TIP = 72, TALLEST = 560, CLOSEST = 16; // screen pixels; the last is a factor
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const HINT = "Point at a mark to see its image; click it, or walk with the arrow keys and press Enter, to choose it.";
const instances = new WeakMap(); // what lives as long as the page shows the map
const peers = new Set(); // maps that stand side by side point at the same image

const made = (tag, className, text = "") => Object.assign(document.createElement(tag), { className, textContent: text });
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export default function ({ data, parentElement, setStateValue }) {
  const find = selector => parentElement.querySelector(selector);
  const [room, map, tip, play, slider, told, readout, legend] =
    [".room", ".map", ".tip", ".play", "input", "output", ".readout", ".legend"].map(find);
  const own = instances.get(parentElement) ?? { zoom: 1, x: 0, y: 0, hover: -1, focus: -1, title: null, drawn: 0 };
  const was = own.numbers, shown = own.places;
  Object.assign(own, { numbers: data.numbers, group: data.group, moments: data.moments.map(unpacked) });
  const titles = own.moments.map(moment => moment.title), last = titles.length - 1;
  own.at = titles.includes(own.title) ? titles.indexOf(own.title) : data.chosen;
  if (own.picked === undefined) own.picked = data.selected;
  if (was && String(was) !== String(data.numbers)) own.hover = -1;
  const now = () => own.moments[own.at];
  const index = number => data.numbers.indexOf(number);
  const name = label => data.classes[label] ?? `class ${label}`;
  const wrong = i => now().answers[i] !== data.labels[i];
  const look = label => ({
    hue: data.hues[label % data.hues.length],
    shape: SHAPES[data.shapes[(label + 5 * Math.floor(label / data.hues.length)) % data.shapes.length]],
  });
  const counts = i => own.focus < 0 || data.labels[i] === own.focus;

  // Where the map's square [-1, 1]² is on the canvas.
  const half = () => Math.min(own.width, own.height) / 2 - EDGE;
  const toScreen = (x, y) => [
    own.width / 2 + (x - own.x) * half() * own.zoom, own.height / 2 - (y - own.y) * half() * own.zoom];
  const toMap = (left, top) => [
    own.x + (left - own.width / 2) / (half() * own.zoom), own.y - (top - own.height / 2) / (half() * own.zoom)];

  const words = i => {
    const sure = now().sure[i] > 0.99 ? "> 99" : (100 * now().sure[i]).toFixed(0);
    const says = `says ${name(now().answers[i])}, ${sure}% sure`;
    return [`Image ${data.numbers[i]}: ${name(data.labels[i])}`, wrong(i) ? `wrong: ${says}` : `right: ${says}`];
  };
  const thumbnail = (context, i, side) => {
    const { width, height, columns } = data, left = (i % columns) * width, top = Math.floor(i / columns) * height;
    context.canvas.width = side;
    context.canvas.height = Math.round((side * height) / width);
    context.imageSmoothingEnabled = width > side;
    if (own.sheet) context.drawImage(own.sheet, left, top, width, height, 0, 0, side, context.canvas.height);
  };
  const say = () => {
    const i = own.hover >= 0 ? own.hover : index(own.picked);
    readout.textContent = i < 0 ? HINT : words(i).join(", ") + (own.hover < 0 ? " (chosen)" : "");
    tip.hidden = own.hover < 0;
    if (own.hover < 0) return;
    thumbnail(tip.firstElementChild.getContext("2d"), i, TIP);
    const [title, says] = words(i);
    tip.lastElementChild.replaceChildren(made("b", "", title), says);
    const [x, y] = toScreen(own.places[2 * i], own.places[2 * i + 1]);
    tip.style.left = `${Math.max(4, Math.min(x + 12, own.width - tip.offsetWidth - 4))}px`;
    tip.style.top = `${y + 16 + tip.offsetHeight > own.height ? Math.max(4, y - tip.offsetHeight - 12) : y + 12}px`;
  };

  const mark = (context, i, size) => {
    const [x, y] = toScreen(own.places[2 * i], own.places[2 * i + 1]), { hue, shape } = look(data.labels[i]);
    if (x < -9 || y < -9 || x > own.width + 9 || y > own.height + 9) return;
    context.globalAlpha = counts(i) ? 0.85 : 0.1;
    context.fillStyle = hue;
    context.beginPath();
    shape(context, x, y, size);
    context.fill();
    if (!wrong(i)) return;
    context.globalAlpha *= own.crowded ? 0.45 : 1; // rings that are many would hide what they are about
    ring(context, x, y, size + 2.5, own.crowded ? 1 : 1.25);
  };
  const ring = (context, x, y, radius, line) => {
    context.strokeStyle = own.ink;
    context.lineWidth = line;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.stroke();
  };
  own.draw = () => {
    if (!own.width) return;
    own.drawn++;
    own.crowded = data.labels.filter((_, i) => wrong(i)).length > 0.2 * data.labels.length;
    const context = map.getContext("2d"), size = (data.numbers.length > 1200 ? 3 : 4) * Math.sqrt(Math.sqrt(own.zoom));
    own.ink = getComputedStyle(room).color;
    context.setTransform(own.ratio, 0, 0, own.ratio, 0, 0);
    context.clearRect(0, 0, own.width, own.height);
    for (let i = 0; i < data.numbers.length; i++) mark(context, i, size);
    const chosen = index(own.picked), k = data.nearest;
    context.globalAlpha = 1;
    if (chosen >= 0) {
      const [x, y] = toScreen(own.places[2 * chosen], own.places[2 * chosen + 1]);
      context.strokeStyle = own.ink;
      context.lineWidth = 1;
      for (const other of now().near.subarray(chosen * k, chosen * k + k)) {
        context.beginPath();
        context.moveTo(x, y);
        context.lineTo(...toScreen(own.places[2 * other], own.places[2 * other + 1]));
        context.stroke();
      }
      mark(context, chosen, size + 2);
      context.globalAlpha = 1;
      ring(context, x, y, size + 6, 3);
    }
    if (own.hover >= 0) {
      ring(context, ...toScreen(own.places[2 * own.hover], own.places[2 * own.hover + 1]), size + 4, 2);
    }
    say();
  };

  /** Let the marks wander to where the moment has them. */
  const wander = (from, duration) => {
    cancelAnimationFrame(own.frame);
    const to = now().places, begin = performance.now();
    if (!from || from.length !== to.length || calm()) {
      own.places = to;
      return own.draw();
    }
    own.places = from.slice();
    const step = time => {
      const t = Math.min(1, Math.max(0, time - begin) / duration), eased = t * t * (3 - 2 * t);
      for (let i = 0; i < to.length; i++) own.places[i] = from[i] + (to[i] - from[i]) * eased;
      own.draw();
      if (t < 1) own.frame = requestAnimationFrame(step);
    };
    own.frame = requestAnimationFrame(step);
  };
  own.send = moment => setStateValue("moment", moment);
  own.telling ??= openTelling(moment => own.send(moment));
  own.player ??= openPlayer(play);
  const rest = () => {
    own.player.stop();
    own.player.show(false);
  };
  own.go = (moment, played = false) => {
    if (!played) rest();
    const from = own.places;
    own.at = Math.max(0, Math.min(last, moment));
    own.title = titles[own.at];
    slider.value = own.at;
    slider.ariaValueText = told.value = own.title;
    wander(from, TWEEN);
    if (!own.player.playing()) own.telling.tell(own.title);
  };
  own.next = () => {
    if (own.at + 1 >= last) rest();
    own.go(own.at + 1, true);
  };
  own.show = number => {
    own.hover = number === null ? -1 : index(number);
    own.draw();
  };
  own.take = number => {
    if (index(number) >= 0) own.picked = number;
    own.draw();
  };
  const alike = () => [...peers].filter(peer => peer.group === own.group);
  const point = i => i !== own.hover && alike().forEach(peer => peer.show(i < 0 ? null : data.numbers[i]));
  const choose = i => {
    if (i < 0) return;
    const news = own.picked !== data.numbers[i] || own.sent !== own.picked;
    alike().forEach(peer => peer.take(data.numbers[i]));
    if (news) setStateValue("picked", (own.sent = own.picked));
  };
  own.fit = () => {
    const width = room.clientWidth - 2;
    if (width <= 0) return;
    Object.assign(own, { width, height: Math.min(TALLEST, Math.max(280, width * 0.85)), ratio: devicePixelRatio || 1 });
    map.width = own.width * own.ratio;
    map.height = own.height * own.ratio;
    map.style.height = `${own.height}px`;
    own.draw();
  };
  const zoom = (factor, [x, y]) => {
    const before = own.zoom;
    own.zoom = Math.max(1, Math.min(CLOSEST, own.zoom * factor));
    own.x = own.zoom === 1 ? 0 : x + (own.x - x) * (before / own.zoom);
    own.y = own.zoom === 1 ? 0 : y + (own.y - y) * (before / own.zoom);
    own.draw();
  };
  const under = ({ clientX, clientY }) => {
    const box = map.getBoundingClientRect();
    return toMap(clientX - box.left, clientY - box.top);
  };
  const hit = event => nearestPoint(own.places, ...under(event), REACH / (half() * own.zoom), counts);
  const middle = () => {
    const i = own.hover >= 0 ? own.hover : index(own.picked);
    return i < 0 ? [own.x, own.y] : [own.places[2 * i], own.places[2 * i + 1]];
  };

  map.onpointerdown = event => {
    own.drag = own.zoom > 1 && event.pointerType === "mouse" ? { from: under(event), moved: false } : null;
  };
  map.onpointermove = event => {
    if (!own.drag || !event.buttons) return point(hit(event));
    const [x, y] = under(event), dx = own.drag.from[0] - x, dy = own.drag.from[1] - y;
    if (!own.drag.moved && Math.hypot(dx, dy) * half() * own.zoom < 5) return;
    own.drag.moved = true;
    own.x += dx;
    own.y += dy;
    own.draw();
  };
  map.onpointerleave = () => point(-1);
  map.onblur = () => point(-1);
  map.onclick = event => {
    if (!own.drag?.moved) choose(hit(event));
    own.drag = null;
  };
  map.onwheel = event => {
    if (!event.ctrlKey) return; // else the page scrolls
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.25 : 0.8, under(event));
  };
  map.onkeydown = event => {
    const from = own.hover >= 0 ? own.hover : index(own.picked);
    if (STEPS[event.key]) {
      point(from < 0 ? nearestPoint(own.places, own.x, own.y, Infinity, counts) : stepFrom(own.places, from, ...STEPS[event.key]));
    } else if (event.key === "Enter" || event.key === " ") choose(own.hover);
    else if (event.key === "+" || event.key === "-") zoom(event.key === "+" ? 1.5 : 1 / 1.5, middle());
    else if (event.key === "Escape") point(-1);
    else return;
    event.preventDefault();
  };
  const [closer, farther, whole] = parentElement.querySelectorAll(".zoom button");
  closer.onclick = () => zoom(1.5, middle());
  farther.onclick = () => zoom(1 / 1.5, middle());
  whole.onclick = () => zoom(0, [0, 0]);

  const entry = label => {
    const button = Object.assign(made("button", ""), { type: "button" }), swatch = made("canvas", "");
    swatch.width = swatch.height = 32;
    const context = swatch.getContext("2d"), { hue, shape } = look(label);
    context.fillStyle = hue;
    shape(context, 16, 16, 10);
    context.fill();
    button.append(swatch, made("span", "", name(label)));
    button.title = name(label);
    button.ariaPressed = String(own.focus === label);
    button.onclick = () => {
      own.focus = own.focus === label ? -1 : label;
      [...legend.querySelectorAll("button")].forEach((each, at) => (each.ariaPressed = String(own.focus === present[at])));
      own.draw();
    };
    return button;
  };
  const present = [...new Set(data.labels)].sort((a, b) => a - b);
  if (!present.includes(own.focus)) own.focus = -1;
  legend.replaceChildren(...present.map(entry), made("span", "ring", "Ringed: the network is wrong about it."));
  map.ariaLabel = data.label;
  find(".controls").hidden = !last;
  slider.max = last;
  slider.ariaLabel = "Epoch of the map";
  slider.oninput = () => own.go(slider.valueAsNumber);
  play.onclick = () => {
    if (own.player.playing()) return own.go(own.at);
    own.player.start(BEAT, () => own.next());
    own.player.show(true);
    own.go(own.at === last ? 0 : own.at + 1, true);
  };
  slider.value = own.at;
  slider.ariaValueText = told.value = titles[own.at];
  own.player.show(own.player.playing());
  const moved = shown && was && String(was) === String(data.numbers);
  if (!moved) own.places = now().places;
  if (own.sheetText !== data.sheet) {
    own.sheetText = data.sheet;
    own.sheet = null;
    const sheet = Object.assign(new Image(), { src: data.sheet });
    sheet.decode().then(() => own.sheetText === data.sheet && Object.assign(own, { sheet }).draw()).catch(() => {});
  }
  peers.add(own);
  own.fit();
  if (moved && String(own.places) !== String(now().places)) wander(shown, TWEEN);
  if (!instances.has(parentElement)) {
    instances.set(parentElement, own);
    own.observer = new ResizeObserver(() => own.fit());
    own.observer.observe(room);
  }
  return () => {
    own.observer.disconnect();
    cancelAnimationFrame(own.frame);
    own.player.stop();
    own.telling.close();
    peers.delete(own);
    instances.delete(parentElement);
  };
}
