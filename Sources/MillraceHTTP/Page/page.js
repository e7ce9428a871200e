/* Asks for the status once a second and shows it. Names and addresses only ever become text. */

const find = (id) => document.getElementById(id);
const write = (id, text) => { const place = find(id); if (place.textContent !== text) place.textContent = text; };
const make = (tag, kind, text) => {
  const element = document.createElement(tag);
  if (kind) element.className = kind;
  if (text !== undefined) element.textContent = text;
  return element;
};

const rates = new Rates(5);
const history = new History(120);
const rows = new Map();
const shownMemberCount = 200;
let status = null;
let lit = null;
let lostSince = null;

const phases = {
  waiting: "Waiting for an owner", fetching: "Fetching", assembling: "Putting the file together",
  complete: "Complete and verified", serving: "Serving", leaving: "Leaving",
};
const levels = (map) => Array.from(map ?? "", Number);
const isOwner = () => status.role === "owner";
const received = (bytes) => bytes.fromOwner + bytes.fromPeers;
const chunkTotal = () => status.file?.chunks ?? 0;
const share = (member) => (member.state === "complete" ? 1 : chunkTotal() > 0 ? (member.heldChunks ?? 0) / chunkTotal() : 0);

/* How far the swarm is at an owner, and how far this node is at a peer. */
function progress() {
  if (!status.file) return 0;
  if (!isOwner()) return status.file.chunks > 0 ? status.file.heldChunks / status.file.chunks : 1;
  const present = status.members.filter((member) => member.state !== "gone");
  return present.length > 0 ? present.reduce((sum, member) => sum + share(member), 0) / present.length : 0;
}

function note() {
  const seconds = status.seconds;
  rates.add("received", seconds, received(status.bytes));
  rates.add("sent", seconds, status.bytes.sent);
  for (const member of status.members) if (member.heldChunks !== null) rates.add(`m${member.peer}`, seconds, member.heldChunks * (status.file?.chunkBytes ?? 0));
  for (const source of status.sources) rates.add(`s${source.peer}`, seconds, source.bytes);
  if (rates.of("sent") !== null) history.add(rates.of("received"), rates.of("sent"));
}

function showHead() {
  const file = status.file;
  write("name", file ? file.name : "Waiting for an owner");
  document.title = file ? `${Math.floor(100 * progress())} % ${file.name}` : "Millrace";
  write("facts", file ? `${bytes(file.bytes)} in ${file.chunks.toLocaleString("en")} chunks · content ID ${file.contentID ? file.contentID.slice(0, 16) + "…" : "not known yet"}` : "No owner has said yet what the file is.");
  find("facts").title = file?.contentID ?? "";
  write("node", isOwner() ? `Owner on port ${status.listenPort}` : `Peer ${status.peer ?? "–"} on port ${status.listenPort}`);
  write("phase", status.failure ?? phases[status.phase] ?? status.phase);
  const whole = Math.floor(100 * progress());
  write("percent", String(whole));
  find("fill").style.width = `${100 * progress()}%`;
  find("bar").setAttribute("aria-valuenow", String(whole));
  find("download").hidden = !(isOwner() || status.phase === "complete");
  find("figures").replaceChildren(...figures().flatMap(([name, value]) => [make("dt", "", name), make("dd", "", value)]).reduce((pairs, element, index) => {
    if (index % 2 === 0) pairs.push(make("div"));
    pairs[pairs.length - 1].append(element);
    return pairs;
  }, []));
}

function figures() {
  const file = status.file;
  const present = status.members.filter((member) => member.state !== "gone");
  if (isOwner()) {
    return [
      ["Sending", rate(rates.of("sent"))], ["Sent", bytes(status.bytes.sent)],
      ["Times the file", file.bytes > 0 ? (status.bytes.sent / file.bytes).toFixed(2) : "–"],
      ["Peers done", `${present.filter((member) => member.state === "complete").length} of ${present.length}`],
      ["Hashed", `${percent(file.heldChunks, file.chunks)} %`], ["Running for", duration(status.seconds)],
    ];
  }
  const speed = rates.of("received");
  const rest = file ? file.bytes - file.heldBytes : 0;
  return [
    ["Receiving", rate(speed)], ["Sending", rate(rates.of("sent"))],
    ["Time left", rest === 0 && file ? "none" : speed > 0 ? duration(rest / speed) : "–"],
    ["Chunks", file ? `${file.heldChunks.toLocaleString("en")} of ${file.chunks.toLocaleString("en")}` : "–"],
    ["From the owner", bytes(status.bytes.fromOwner)], ["From peers", bytes(status.bytes.fromPeers)],
  ];
}

/* At an owner the map shows how many peers hold each part, at a peer what it holds itself. */
function showMap() {
  const file = status.file;
  let cells = levels(file?.map);
  const present = status.members.filter((member) => member.map);
  if (isOwner()) {
    const maps = present.map((member) => levels(member.map));
    const count = maps[0]?.length ?? Math.min(256, cells.length);
    cells = Array.from({ length: count }, (_, cell) => {
      const sum = maps.reduce((total, map) => total + map[cell], 0);
      const most = 9 * maps.length;
      return sum === 0 ? 0 : sum === most ? 9 : Math.max(1, Math.min(8, Math.floor((9 * sum) / most)));
    });
  }
  write("map-note", isOwner() ? "How much of each part of the file the peers hold, all together." : "What is here and verified, from the file's start to its end.");
  write("map-all", isOwner() ? "at every peer" : "here");
  drawMap(find("map"), cells);
  find("map").setAttribute("aria-label", `Map of chunks: ${Math.floor(100 * progress())} percent are there`);
}

function showRate() {
  const [down, up] = [rates.of("received"), rates.of("sent")];
  write("rate-note", isOwner() ? `Sending ${rate(up)}.` : `Receiving ${rate(down)}, sending ${rate(up)}.`);
  for (const id of ["received-key", "received-name"]) find(id).hidden = isOwner();
  drawRate(find("rate"), history, !isOwner());
  find("rate").setAttribute("aria-label", find("rate-note").textContent);
}

function showRing() {
  const members = status.members.filter((member) => member.present).map((member) => ({ ...member, share: share(member) }));
  const chosen = lit ?? (isOwner() ? null : status.peer);
  const note = members.length === 0 ? "Nobody is here yet." : chosen === null ? "Lines lead to whom each peer fetches from: its neighbour, and chords across the ring." : `Lit: whom peer ${chosen} fetches from.`;
  write("ring-note", note);
  drawRing(find("ring"), members, status.peer, chosen);
  find("ring").setAttribute("aria-label", `A ring of ${members.length} members. The list below says the same.`);
}

function showSources() {
  find("sources-card").hidden = isOwner();
  if (isOwner()) return;
  const slow = status.sources.filter((source) => source.slow).map((source) => source.peer);
  write("sources-note", status.sources.length === 0 ? "No chunk has come from another peer yet." : slow.length === 0 ? "None of them is slow." : `Slow: peer ${slow.join(", peer ")}. Others are asked first.`);
  find("sources").replaceChildren(...status.sources.map((source) => {
    const row = make("tr");
    const cells = [bytes(source.bytes), rate(rates.of(`s${source.peer}`)), source.chunks > 0 ? wait(source.meanSeconds) : "–", source.chunks > 0 ? wait(source.longestSeconds) : "–", String(source.late)];
    row.append(make("td", "", `Peer ${source.peer}`), ...cells.map((text, index) => make("td", index > 2 ? "number spare" : "number", text)));
    row.append(make("td", source.slow ? "state slow" : "state", source.slow ? "slow" : source.connected ? "connected" : "not connected"));
    return row;
  }));
}

function rowOf(member) {
  let row = rows.get(member.peer);
  if (row) return row;
  row = { item: make("li"), who: make("div", "who"), strip: make("div", "strip"), map: make("canvas"), share: make("div", "share number"), rate: make("div", "rate number"), state: make("div", "state") };
  row.name = make("b");
  row.address = make("span");
  row.map.setAttribute("role", "img");
  row.who.append(row.name, row.address);
  row.strip.append(row.map);
  row.item.append(row.who, row.strip, row.share, row.rate, row.state);
  row.item.tabIndex = 0;
  for (const [event, peer] of [["mouseenter", member.peer], ["focus", member.peer], ["mouseleave", null], ["blur", null]]) {
    row.item.addEventListener(event, () => { lit = peer; showRing(); });
  }
  rows.set(member.peer, row);
  return row;
}

function showMembers() {
  const shown = status.members.slice(0, shownMemberCount);
  const slow = status.members.filter((member) => member.slow).map((member) => member.peer);
  const more = status.members.length - shown.length;
  write("members-note", [status.members.length === 0 ? "No peer has come yet." : "In ring order, each strip from the file's start to its end.", status.members.some((member) => member.state === "connected") ? "Others tell this peer only of chunks it may want: they hold at least what is shown." : "", slow.length > 0 ? `Slow: peer ${slow.join(", peer ")}.` : "", more > 0 ? `${more} more are not shown.` : ""].join(" ").trim());
  const items = shown.map((member) => {
    const row = rowOf(member);
    row.name.textContent = member.peer === status.peer ? `Peer ${member.peer} (this one)` : `Peer ${member.peer}`;
    row.address.textContent = member.address;
    row.share.textContent = member.heldChunks === null ? "–" : `${member.state === "connected" ? "≥ " : ""}${Math.floor(100 * share(member))} %`;
    row.rate.textContent = member.state === "fetching" ? rate(rates.of(`m${member.peer}`)) : "";
    row.state.textContent = member.slow ? "slow" : { complete: member.present ? "done" : "done, left", gone: "gone", unknown: "not connected", fetching: "fetching", connected: "connected" }[member.state];
    row.state.className = `state ${member.slow ? "slow" : member.state === "complete" ? "done" : ""}`;
    row.item.className = [member.present ? "" : "gone", member.peer === status.peer ? "lit" : ""].join(" ").trim();
    row.map.setAttribute("aria-label", `Peer ${member.peer} holds ${row.share.textContent}`);
    return row.item;
  });
  const list = find("members");
  if (items.length !== list.children.length || items.some((item, index) => list.children[index] !== item)) list.replaceChildren(...items);
  shown.forEach((member) => drawStrip(rowOf(member).map, member.state === "complete" ? [9] : levels(member.map)));
}

function show() {
  if (!status) return;
  for (const part of [showHead, showMap, showRate, showRing, showSources, showMembers]) part();
}

async function ask() {
  try {
    const answer = await fetch("status", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(String(answer.status));
    status = await answer.json();
    lostSince = null;
    note();
    show();
  } catch {
    lostSince ??= new Date();
    write("lost", `The node does not answer since ${lostSince.toLocaleTimeString()}. It may have ended; this is what was seen last.`);
  }
  find("lost").hidden = lostSince === null;
  setTimeout(turn, lostSince ? 3000 : 1000);
}

/* Nobody looks: the node is left in peace. */
function turn() {
  if (document.hidden) document.addEventListener("visibilitychange", turn, { once: true });
  else ask();
}

window.addEventListener("resize", show);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
turn();
