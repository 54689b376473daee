const bytesOf = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0)).buffer;

/** What came packed from Python: places as x, y pairs, answers, how sure, and the nearest others of each point. */
function unpacked(moment) {
  return {
    title: moment.title,
    places: new Float32Array(bytesOf(moment.places)),
    answers: new Uint16Array(bytesOf(moment.answers)),
    sure: new Float32Array(bytesOf(moment.sure)),
    near: new Uint16Array(bytesOf(moment.near)),
  };
}

/** The point nearest to (x, y) among those that count, if it lies within reach; -1 for none. */
function nearestPoint(places, x, y, reach, counts = () => true) {
  let best = -1, least = reach * reach;
  for (let i = 0; 2 * i < places.length; i++) {
    const far = (places[2 * i] - x) ** 2 + (places[2 * i + 1] - y) ** 2;
    if (far < least && counts(i)) [best, least] = [i, far];
  }
  return best;
}

/** The next point in a direction (dx, dy; y grows upwards): near, and not far off the straight line. */
function stepFrom(places, from, dx, dy) {
  let best = from, least = Infinity;
  for (let i = 0; 2 * i < places.length; i++) {
    const x = places[2 * i] - places[2 * from], y = places[2 * i + 1] - places[2 * from + 1];
    const along = x * dx + y * dy, aside = Math.abs(x * dy - y * dx);
    if (i === from || along <= 0 || aside > along) continue;
    const cost = along + 2 * aside;
    if (cost < least) [best, least] = [i, cost];
  }
  return best;
}
