/* Everything that is drawn: the chunk maps, the rate, the ring. Colours are the style's, light or dark. */

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/* A canvas as sharp as the screen; returns its context and its size in CSS pixels. */
function prepare(canvas, height) {
  const scale = window.devicePixelRatio || 1;
  if (height) canvas.style.height = `${height}px`;
  const [width, tall] = [canvas.clientWidth, height ?? canvas.clientHeight];
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(tall * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(tall * scale);
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, tall);
  return { context, width, height: tall };
}

/* A cell's level, 0 to 9: the share of its chunks that are there. */
function paintLevel(context, level) {
  context.globalAlpha = level === 0 ? 1 : 0.25 + (0.75 * level) / 9;
  context.fillStyle = level === 0 ? colour("empty") : colour("water");
}

function drawMap(canvas, levels) {
  const width = canvas.clientWidth;
  const least = width < 500 ? 9 : 12;
  const columns = Math.max(1, Math.min(levels.length, Math.floor(width / least)));
  const size = width / columns;
  const side = Math.min(size, 22);
  const { context } = prepare(canvas, Math.max(side, Math.ceil(levels.length / columns) * side));
  const gap = side > 8 ? 2 : 1;
  levels.forEach((level, index) => {
    const x = (index % columns) * size;
    const y = Math.floor(index / columns) * side;
    for (const paint of level === 0 ? [0] : [0, level]) {
      paintLevel(context, paint);
      context.beginPath();
      context.roundRect(x, y, size - gap, side - gap, 2.5);
      context.fill();
    }
  });
  context.globalAlpha = 1;
}

function drawStrip(canvas, levels) {
  const { context, width, height } = prepare(canvas);
  context.fillStyle = colour("empty");
  context.fillRect(0, 0, width, height);
  levels.forEach((level, index) => {
    if (level === 0) return;
    paintLevel(context, level);
    const x = Math.floor((index * width) / levels.length);
    context.fillRect(x, 0, Math.ceil(((index + 1) * width) / levels.length) - x, height);
  });
  context.globalAlpha = 1;
}

function line(context, points, key, stroke, width, fills) {
  context.beginPath();
  points.forEach((point, index) => (index === 0 ? context.moveTo : context.lineTo).call(context, point.x, point[key]));
  context.strokeStyle = stroke;
  context.lineWidth = width;
  context.lineJoin = "round";
  context.stroke();
  if (!fills || points.length < 2) return;
  context.lineTo(points[points.length - 1].x, fills);
  context.lineTo(points[0].x, fills);
  context.closePath();
  context.globalAlpha = 0.14;
  context.fillStyle = stroke;
  context.fill();
  context.globalAlpha = 1;
}

function drawRate(canvas, history, hasReceived) {
  const { context, width, height } = prepare(canvas);
  const most = Math.max(1, ...history.values.map((value) => Math.max(hasReceived ? value.received : 0, value.sent))) * 1.15;
  const [top, floor] = [18, height - 20];
  context.font = "12px system-ui, sans-serif";
  for (const share of [0, 0.5, 1]) {
    const y = floor - share * (floor - top);
    context.strokeStyle = colour("line");
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(0, y);
    context.lineTo(width, y);
    context.stroke();
    context.fillStyle = colour("quiet");
    if (share > 0 && most > 2) context.fillText(rate(share * most), 0, y - 5);
  }
  const step = width / (history.count - 1);
  const points = history.values.map((value, index) => ({
    x: width - (history.values.length - 1 - index) * step,
    received: floor - (value.received / most) * (floor - top),
    sent: floor - (value.sent / most) * (floor - top),
  }));
  line(context, points, "sent", colour("sent"), 2, hasReceived ? 0 : floor);
  if (hasReceived) line(context, points, "received", colour("water"), 2, floor);
  context.fillStyle = colour("quiet");
  context.fillText("2 min ago", 0, height - 4);
  context.textAlign = "right";
  context.fillText("now", width, height - 4);
  context.textAlign = "left";
}

/* Members on a circle in ring order; arcs from each to whom it fetches from. */
function drawRing(canvas, members, self, lit) {
  const { context, width, height } = prepare(canvas);
  const [x, y] = [width / 2, height / 2];
  const radius = Math.min(width, height) / 2 - 26;
  const place = new Map();
  members.forEach((member, index) => {
    const angle = (2 * Math.PI * index) / members.length - Math.PI / 2;
    place.set(member.peer, { x: x + radius * Math.cos(angle), y: y + radius * Math.sin(angle) });
  });
  const few = members.length <= 32;
  members.forEach((member) => {
    const isLit = member.peer === lit;
    member.sources.forEach((source, index) => {
      const [from, to] = [place.get(source), place.get(member.peer)];
      if (!from || !to) return;
      context.beginPath();
      context.moveTo(from.x, from.y);
      if (index === 0) context.lineTo(to.x, to.y);
      else context.quadraticCurveTo(x + (from.x + to.x - 2 * x) * 0.2, y + (from.y + to.y - 2 * y) * 0.2, to.x, to.y);
      context.strokeStyle = colour(isLit || index === 0 ? "water" : "quiet");
      context.globalAlpha = isLit ? 0.9 : lit !== null ? 0.1 : index === 0 ? 0.5 : few ? 0.16 : 0.05;
      context.lineWidth = isLit ? 2 : index === 0 ? 1.5 : 1;
      context.stroke();
    });
  });
  context.globalAlpha = 1;
  for (const member of members) drawMember(context, place.get(member.peer), member, few, member.peer === self);
}

function drawMember(context, at, member, few, isSelf) {
  const size = few ? 13 : 4;
  const accent = colour(member.slow ? "slow" : "water");
  const circle = (radius, from, to) => {
    context.beginPath();
    context.arc(at.x, at.y, radius, from, to);
  };
  circle(size, 0, 2 * Math.PI);
  context.fillStyle = few ? colour("card") : member.share >= 1 ? accent : colour("empty");
  context.fill();
  context.lineWidth = few ? 3.5 : 1.5;
  /* Of those that are only connected, how much they hold is not known. */
  context.strokeStyle = colour(member.state === "connected" ? "water-soft" : "empty");
  context.stroke();
  if (member.share > 0 && member.state !== "connected") {
    circle(size, -Math.PI / 2, -Math.PI / 2 + 2 * Math.PI * member.share);
    context.strokeStyle = accent;
    context.stroke();
  }
  if (isSelf) {
    circle(size + 5, 0, 2 * Math.PI);
    context.lineWidth = 1.5;
    context.strokeStyle = colour("ink");
    context.stroke();
  }
  if (!few) return;
  context.fillStyle = colour("ink");
  context.font = "600 11px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(String(member.peer), at.x, at.y + 0.5);
  context.textAlign = "left";
  context.textBaseline = "alphabetic";
}
