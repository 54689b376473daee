/**
 * How wide tiles are drawn, and how many stand in a row, so that every row is full where that costs little: they become
 * somewhat smaller, or else the rows shorter.
 *
 * `sides` are the widths that a tile may have, the one that is wished for first; `room` and `gap` are screen pixels, too.
 */
function fullRows(count, room, gap, sides) {
  const across = side => Math.max(1, Math.floor((room + gap) / (side + gap)));
  const full = columns => columns >= count || count % columns === 0;
  const side = sides.find(each => full(across(each)));
  if (side) return { side, columns: across(side) };
  const most = across(sides[0]);
  for (let columns = most; columns > 1 && columns >= most / 2; columns--) {
    if (full(columns)) return { side: sides[0], columns };
  }
  return { side: sides[0], columns: most };
}
