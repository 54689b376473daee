const BEAT = 700; // milliseconds for which each moment is shown while it plays
const LARGE = 288, SMALL = 84, CARD = 88, SPACE = 16, NARROW = 480; // screen pixels
const instances = new WeakMap(); // what lives as long as the page shows the book: the moment, the sheet, the timers

const element = (tag, className, text = "") =>
  Object.assign(document.createElement(tag), { className, textContent: text });

/** Put the decoded sheet behind the tiles: the old one stays until the new one can be drawn. */
async function loadSheet(own, png, room) {
  own.png = png;
  const url = `data:image/png;base64,${png}`;
  const sheet = new Image();
  sheet.src = url;
  await sheet.decode().catch(() => {});
  if (own.png === png) room.style.setProperty("--sheet", `url(${url})`);
}

/** Screen pixels for one pixel of the sheet: a whole number wherever a tile has the room. */
const whole = (side, width) => (side < width ? side / width : Math.floor(side / width));

function words(leaf) {
  const lines = leaf.lines.map((text, index) => {
    const line = element("div", index || leaf.share === null ? "line" : "line bar", text);
    if (!index && leaf.share !== null) line.style.setProperty("--share", `${100 * leaf.share}%`);
    line.title = text;
    return line;
  });
  return [element("div", "title", leaf.title), ...lines];
}

export default function ({ data, parentElement, setStateValue }) {
  const find = selector => parentElement.querySelector(selector);
  const [room, stage, play, slider, told] = [".room", ".stage", ".play", "input", "output"].map(find);
  const { width, height, columns, moments, strips } = data;
  const last = moments.length - 1;
  const own = instances.get(parentElement) ?? { at: data.chosen };
  const grown = own.last !== undefined && own.last !== last && own.at === own.last; // look at what is new
  own.at = grown ? last : Math.min(own.at, last);
  own.last = last;
  const sent = own.chosen !== undefined && own.chosen !== data.chosen; // the page wants another one
  if (sent) own.at = data.chosen;
  own.chosen = data.chosen;
  let first = 1; // the picture itself comes before the leaves of the first strip
  const leaves = strips.map(strip => strip.leaves.map(leaf => ({ ...leaf, tile: first++ })));
  const rows = Math.ceil(first / columns);

  const place = (tile, scale) =>
    `-${(tile % columns) * width * scale}px -${Math.floor(tile / columns) * height * scale}px`;
  const size = (name, scale) => {
    const set = (what, value) => room.style.setProperty(`--${name}-${what}`, value);
    set("width", `${width * scale}px`);
    set("height", `${height * scale}px`);
    set("sheet", `${columns * width * scale}px ${rows * height * scale}px`);
    set("rendering", scale < 1 ? "auto" : "pixelated");
    own[name] = scale;
  };
  const leafAt = (strip, moment) => leaves[strip].findLast(leaf => leaf.moment <= moment) ?? leaves[strip][0];

  const draw = () => {
    const shown = [{ title: data.picture, lines: [], tile: 0 }, ...strips.map((_, index) => leafAt(index, own.at))];
    [...stage.children].forEach((figure, index) => {
      const leaf = shown[index], tile = figure.firstChild, text = figure.lastChild;
      figure.classList.toggle("missing", Boolean(leaf.missing));
      tile.style.backgroundPosition = place(leaf.tile, own.large);
      const title = [index ? strips[index - 1].title : "", leaf.title].filter(Boolean).join(" · ");
      text.replaceChildren(element("b", "", title), leaf.missing || leaf.lines.join(" · "));
      tile.ariaLabel = [title, leaf.missing, ...leaf.lines].filter(Boolean).join(", ");
    });
    cards.forEach(({ card, leaf, strip }) => {
      const now = leaf === leafAt(strip, own.at);
      card.classList.toggle("now", now);
      card.ariaPressed = String(now);
      card.tabIndex = now ? 0 : -1;
      card.querySelector(".tile").style.backgroundPosition = place(leaf.tile, own.small);
    });
    slider.value = own.at;
    slider.ariaValueText = told.value = moments[own.at];
  };
  own.send = moment => setStateValue("moment", moment);
  own.telling ??= openTelling(moment => own.send(moment));
  own.player ??= openPlayer(play);
  const tell = () => own.telling.tell(own.at);
  const rest = () => {
    own.player.stop();
    own.player.show(false);
  };
  own.go = (moment, played = false) => {
    if (!played) rest();
    own.at = Math.max(0, Math.min(last, moment));
    draw();
    if (!own.player.playing()) tell();
  };
  own.step = () => {
    if (own.at + 1 >= last) rest(); // the one that is shown now is the last
    own.go(own.at + 1, true);
  };

  own.fit = () => {
    const across = Math.min(strips.length + 1, room.clientWidth < NARROW ? 2 : 4);
    const side = Math.min(LARGE, (room.clientWidth - SPACE * (across - 1)) / across);
    if (side <= 0) return;
    size("large", whole(side, width));
    size("small", SMALL < width ? SMALL / width : Math.round(SMALL / width));
    room.style.setProperty("--card", `${Math.max(CARD, width * own.small) + 6}px`);
    draw();
  };

  while (stage.children.length > strips.length + 1) stage.lastChild.remove();
  while (stage.children.length < strips.length + 1) {
    const figure = document.createElement("figure");
    figure.append(Object.assign(element("div", "tile"), { role: "img" }), document.createElement("figcaption"));
    stage.append(figure);
  }
  const cards = [];
  const focused = cardsOf(parentElement).findIndex(card => card.matches(":focus"));
  find(".strips").replaceChildren(
    ...strips.flatMap((strip, index) => {
      const row = element("div", "cards");
      row.role = "group";
      row.ariaLabel = [data.label, strip.title].filter(Boolean).join(", ");
      for (const leaf of leaves[index]) {
        const card = Object.assign(element("button", leaf.missing ? "card missing" : "card"), { type: "button" });
        card.title = leaf.missing;
        card.append(element("div", "tile"), ...words(leaf));
        card.onclick = () => own.go(leaf.moment);
        cards.push({ card, leaf, strip: index });
        row.append(card);
      }
      return strip.title ? [element("div", "name", strip.title), row] : [row];
    }),
  );
  slider.max = last;
  slider.ariaLabel = data.label;
  slider.oninput = () => own.go(slider.valueAsNumber);
  play.disabled = !last;
  play.onclick = () => {
    if (own.player.playing()) return own.go(own.at);
    own.player.start(BEAT, () => own.step());
    own.player.show(true);
    own.go(own.at === last ? 0 : own.at, true);
  };
  find(".strips").onkeydown = event => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const here = cards.find(({ card }) => card === event.target);
    if (!step || !here) return;
    event.preventDefault();
    const row = cards.filter(({ strip }) => strip === here.strip);
    const next = row[row.indexOf(here) + step];
    if (!next) return;
    own.go(next.leaf.moment);
    next.card.focus();
  };
  own.player.show(own.player.playing());
  own.fit();
  cards[focused]?.card.focus();
  if (grown || sent) tell();
  if (own.png !== data.png) loadSheet(own, data.png, room);
  if (!instances.has(parentElement)) {
    instances.set(parentElement, own);
    own.observer = new ResizeObserver(() => own.fit());
    own.observer.observe(room);
  }
  return () => {
    own.observer.disconnect();
    own.player.stop();
    own.telling.close();
    instances.delete(parentElement);
  };
}

const cardsOf = parent => [...parent.querySelectorAll(".card")];
