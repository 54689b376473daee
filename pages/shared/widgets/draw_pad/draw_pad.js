// Strokes are kept as lists of points, so that the last one can be taken back and the paper can change its colour.
const LONG = 280
const drawings = new WeakMap()

export default function ({ data, parentElement, setStateValue }) {
  const find = (name) => parentElement.querySelector(name)
  const [paper, small, cursor] = [find(".paper"), find(".small"), find(".cursor")]
  const [width, pen, ground, undo] = [find(".width"), find(".pen"), find(".ground"), find(".undo")]
  const longest = Math.max(data.height, data.width)
  const mine = JSON.stringify(data)
  if (drawings.get(parentElement)?.made !== mine) {
    drawings.set(parentElement, { made: mine, strokes: [], at: [LONG / 2, LONG / 2], down: false })
    paper.width = Math.round((LONG * data.width) / longest)
    paper.height = Math.round((LONG * data.height) / longest)
    small.width = data.width
    small.height = data.height
    width.value = Math.round(LONG / 14)
    pen.value = data.pen
    ground.value = data.paper
  }
  const kept = drawings.get(parentElement)
  paper.setAttribute("aria-label", "Pad to draw on: arrow keys move the pen, space puts it down or lifts it")
  small.setAttribute("aria-label", `The drawing at ${data.width} × ${data.height} pixels`)
  find(".seen figcaption").textContent = `At ${data.width} × ${data.height} pixels`
  find(".hint").textContent = "Keys: arrows move the pen, space puts it down or lifts it."
  for (const label of parentElement.querySelectorAll(".colour")) label.hidden = !data.colours
  for (const label of parentElement.querySelectorAll(".colour")) label.style.display = data.colours ? "" : "none"

  const ink = paper.getContext("2d")
  const look = () => {
    const view = small.getContext("2d")
    view.imageSmoothingQuality = "high"
    view.drawImage(paper, 0, 0, small.width, small.height)
  }
  const paint = () => {
    ink.fillStyle = ground.value
    ink.fillRect(0, 0, paper.width, paper.height)
    ink.lineCap = ink.lineJoin = "round"
    for (const { points, colour, wide } of kept.strokes) {
      ink.strokeStyle = colour
      ink.lineWidth = wide
      ink.beginPath()
      ink.moveTo(...points[0])
      for (const point of points) ink.lineTo(...point) // a single point becomes a dot
      ink.stroke()
    }
    undo.disabled = find(".clear").disabled = !kept.strokes.length
    look()
  }
  const send = () => setStateValue("png", kept.strokes.length ? paper.toDataURL("image/png") : null)
  const begin = (point) => kept.strokes.push({ points: [point], colour: pen.value, wide: Number(width.value) })
  const go_on = (point) => {
    kept.strokes.at(-1).points.push(point)
    paint()
  }
  const place = (event) => {
    const box = paper.getBoundingClientRect()
    return [
      ((event.clientX - box.left) * paper.width) / box.width,
      ((event.clientY - box.top) * paper.height) / box.height,
    ]
  }
  let drawing = false
  paper.onpointerdown = (event) => {
    if (event.button) return
    drawing = true
    paper.setPointerCapture(event.pointerId)
    begin(place(event))
    paint()
  }
  paper.onpointermove = (event) => drawing && go_on(place(event))
  paper.onpointerup = paper.onpointercancel = () => {
    if (drawing) send()
    drawing = false
  }
  const show = () => {
    const scale = paper.clientWidth / paper.width
    cursor.style.left = `${kept.at[0] * scale}px`
    cursor.style.top = `${kept.at[1] * scale}px`
    cursor.style.display = "block"
    cursor.classList.toggle("down", kept.down)
  }
  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }
  paper.onkeydown = (event) => {
    const step = STEPS[event.key]
    if (step) {
      const inside = (value, most) => Math.min(most, Math.max(0, value))
      kept.at = [inside(kept.at[0] + 10 * step[0], paper.width), inside(kept.at[1] + 10 * step[1], paper.height)]
      if (kept.down) go_on(kept.at)
    } else if (event.key === " ") {
      kept.down = !kept.down
      if (kept.down) begin(kept.at)
      paint()
      if (!kept.down) send()
    } else return
    event.preventDefault()
    show()
  }
  paper.onfocus = () => paper.matches(":focus-visible") && show()
  paper.onblur = () => {
    if (kept.down) send()
    kept.down = false
    cursor.style.display = "none"
  }
  undo.onclick = () => {
    kept.strokes.pop()
    paint()
    send()
  }
  find(".clear").onclick = () => {
    kept.strokes.length = 0
    paint()
    send()
  }
  ground.oninput = paint
  ground.onchange = () => kept.strokes.length && send()
  paint()
}
