const PATIENCE = 8000; // milliseconds that a first answer may take before it counts as lost
const LEAST = 800; // milliseconds that any answer may take: a shorter wait would send two frames over a slow line
const TIMES = 4; // as long as answers usually take, and the server is at rest: then this one is lost
const REMEMBERED = 9; // answers that say how long they usually take
const PACE = 60; // milliseconds from one frame to the next, however quick the answers are
const WATCHED = 2000; // milliseconds over which the rate is taken
const OFF = "The camera is off. Its frames go to this app alone and are not kept.";
const INSTEAD = "A photograph can be taken or chosen instead.";
const FAILURES = {
  insecure:
    "The browser lends its camera to secure pages only, and this one comes over http from another computer: " +
    "open it by https.",
  NotAllowedError:
    "The camera may not be used: allow it for this page in the browser (beside the address) and in the system's " +
    "settings, then try again.",
  NotFoundError: "No camera was found: connect one and try again.",
  NotReadableError: "The camera is used by another program, or does not answer: close that program and try again.",
  ended: "The camera was switched off or unplugged: connect it and try again.",
  unreadable: "The browser cannot open this file as a picture: choose a PNG or JPEG file.",
};
const instances = new WeakMap(); // what lives as long as the page shows the camera

/** Return how long, in milliseconds, the server may be at rest before the answer to the last frame counts as lost. */
function patience(taken) {
  if (!taken.length) return PATIENCE;
  const usual = [...taken].sort((one, other) => one - other)[taken.length >> 1];
  return Math.min(PATIENCE, Math.max(LEAST, TIMES * usual));
}

const element = (tag, className, text = "") =>
  Object.assign(document.createElement(tag), { className, textContent: text });

/** Draw the centred square of a picture onto a canvas, no larger than it is and than `most`; return it as JPEG. */
function square(canvas, picture, width, height, most, quality) {
  const room = Math.min(width, height);
  canvas.width = canvas.height = Math.min(room, most);
  const view = canvas.getContext("2d");
  view.imageSmoothingQuality = "high";
  view.drawImage(picture, (width - room) / 2, (height - room) / 2, room, room, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", quality);
}

function begin(parentElement, send) {
  const find = name => parentElement.querySelector(name);
  const [video, still, told, rate] = ["video", ".still", ".told", ".rate"].map(find);
  const [off, go, freeze, file, chosen] = [".off", ".go", ".freeze", ".file", ".chosen"].map(find);
  const [bars, said, seen, found] = [".bars", ".said", ".seen", ".found"].map(find);
  const [select, strength] = [".method select", ".strength input"].map(find);
  const gate = openGate(find(".camera"));
  const small = document.createElement("canvas");
  const own = { number: 0, answered: [], taken: [], state: "off" };

  /** Turn to a state: "off", "opening", "live", "frozen" (a still was taken) or "failed". */
  const turn = (state, words = "") => {
    own.state = state;
    const live = state === "live";
    video.style.visibility = live ? "visible" : "hidden";
    still.hidden = state !== "frozen";
    off.hidden = live || state === "frozen";
    find(".view").classList.toggle("empty", !off.hidden);
    off.textContent = { opening: "The camera is being opened …", failed: "No camera" }[state] ?? OFF;
    go.textContent = live ? "Stop" : { failed: "Try again", off: "Start the camera" }[state] ?? "Camera on again";
    go.classList.toggle("primary", state !== "live");
    go.disabled = state === "opening";
    freeze.classList.toggle("primary", live);
    find(".side").hidden = freeze.hidden = find(".method").hidden = find(".strength").hidden = !live;
    file.hidden = state !== "failed";
    if (!live) {
      for (const map of parentElement.querySelectorAll("img")) map.removeAttribute("src");
      bars.replaceChildren();
      said.textContent = rate.textContent = "";
    }
    seen.hidden = found.hidden = true; // until there is an answer
    told.textContent = words;
  };

  const close = () => {
    for (const track of own.stream?.getTracks() ?? []) track.stop();
    video.srcObject = own.stream = null;
    clearTimeout(own.timer);
  };
  const stop = (state = "off", words = "") => {
    own.opening = null; // whatever is being opened comes too late
    close();
    turn(state, words);
  };
  const fail = name => stop("failed", `${FAILURES[name] ?? `The camera could not be opened (${name}).`} ${INSTEAD}`);

  const start = async () => {
    if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia) return fail("insecure");
    const opening = (own.opening = {});
    turn("opening");
    const wanted = { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } };
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
      if (own.opening !== opening) return stream.getTracks().forEach(track => track.stop()); // left meanwhile
      own.stream = stream;
      stream.getVideoTracks()[0].onended = () => fail("ended");
      video.srcObject = stream;
      await video.play();
      if (own.opening !== opening) return;
      own.answered = [];
      own.sent = own.busy = 0;
      own.waits = false;
      turn("live", "");
      beat();
    } catch (error) {
      if (own.opening === opening) fail(error.name);
    }
  };

  const beat = () => {
    const now = performance.now();
    if (gate.running()) own.busy = now;
    const due = own.waits ? now - Math.max(own.sent, own.busy) > patience(own.taken) : now - own.sent > PACE;
    if (due && video.readyState >= 2 && gate.free()) {
      own.sent = now;
      own.waits = true;
      const jpeg = square(small, video, video.videoWidth, video.videoHeight, own.data.side, 0.9);
      atOnce(() => send("frame", { number: ++own.number, jpeg, method: select.value }));
    }
    own.answered = own.answered.filter(moment => now - moment < WATCHED);
    const since = now - own.answered[0];
    if (own.answered.length > 2) rate.textContent = `${Math.round((1000 * (own.answered.length - 1)) / since)} a second`;
    own.timer = setTimeout(beat, 15);
  };

  const lay = (image, png) => (png ? (image.src = `data:image/png;base64,${png}`) : image.removeAttribute("src"));
  const cover = () => {
    const share = Number(strength.value) / 100;
    find(".camera").style.setProperty("--strength", share);
    find(".camera").style.setProperty("--covered", own.mapped ? share : 0);
  };
  own.show = answer => {
    if (own.state !== "live" || answer.number !== own.number) return;
    own.waits = false;
    own.taken = [...own.taken, performance.now() - own.sent].slice(-REMEMBERED);
    told.textContent = answer.words;
    if (!answer.received) return;
    own.answered.push(performance.now());
    const [over, beside] = parentElement.querySelectorAll(".map");
    lay(over, answer.whole && answer.layer);
    lay(beside, !answer.whole && answer.layer);
    lay(find(".received"), answer.received);
    own.mapped = Boolean(answer.whole && answer.layer);
    cover();
    seen.hidden = false;
    found.hidden = !answer.found;
    if (answer.found) {
      const [left, top, right, bottom, angle] = answer.found;
      find(".turned").style.setProperty("--angle", `${angle}deg`);
      const place = { left, top, width: right - left, height: bottom - top };
      for (const [name, share] of Object.entries(place)) found.style[name] = `${100 * share}%`;
    }
    said.textContent = `Live: it says “${answer.bars.find(bar => bar.leads).name}”`;
    const rows = answer.bars.map(bar => {
      const row = element("div", bar.leads ? "bar leads" : "bar");
      row.style.setProperty("--share", `${100 * bar.share}%`);
      row.append(element("span", "", bar.name), element("output", "", bar.number));
      return row;
    });
    bars.replaceChildren(...rows);
  };
  own.fit = () => {
    const { height, width, methods } = own.data;
    find("figcaption").textContent = `What the network receives: ${width} × ${height} pixels`;
    const keys = ["", ...Object.keys(methods)];
    if (keys.join() !== [...select.options].map(option => option.value).join()) {
      const options = keys.map(key => Object.assign(element("option", "", methods[key] ?? "None"), { value: key }));
      select.replaceChildren(...options);
      select.value = keys[1] ?? "";
    }
  };

  go.onclick = () => (own.state === "live" ? stop() : start());
  freeze.onclick = () => {
    const jpeg = square(still, video, video.videoWidth, video.videoHeight, own.data.still, 0.92);
    stop("frozen");
    send("shot", jpeg);
  };
  file.onclick = () => chosen.click();
  chosen.onchange = async () => {
    const [photograph] = chosen.files;
    chosen.value = "";
    if (!photograph) return;
    try {
      const picture = await createImageBitmap(photograph);
      const jpeg = square(still, picture, picture.width, picture.height, own.data.still, 0.92);
      stop("frozen");
      send("shot", jpeg);
    } catch {
      told.textContent = FAILURES.unreadable;
    }
  };
  strength.oninput = cover;

  const hide = () => {
    if (!document.hidden && own.resume) start();
    own.resume = document.hidden && ["live", "opening"].includes(own.state);
    if (own.resume) stop("off", "The camera is off while this tab is hidden.");
  };
  const leave = () => stop();
  document.addEventListener("visibilitychange", hide);
  window.addEventListener("pagehide", leave);
  own.end = () => {
    stop();
    gate.close();
    document.removeEventListener("visibilitychange", hide);
    window.removeEventListener("pagehide", leave);
  };
  turn("off");
  return own;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const own = instances.get(parentElement) ?? begin(parentElement, setTriggerValue);
  instances.set(parentElement, own);
  own.data = data;
  own.fit();
  if (data.answer) own.show(data.answer);
  return () => {
    own.end();
    instances.delete(parentElement);
  };
}
