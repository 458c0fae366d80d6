"use strict";

// Everything that is shown was written by others: an order's description, an app's
// answer. It reaches the page as text nodes only, never as markup.

const words = JSON.parse(document.getElementById("words").textContent);
const say = (key) => words[key] ?? key;
const place = (id) => document.getElementById(id);

// make builds an element; children are elements or texts, and what is missing is left out.
function make(tag, attributes, ...children) {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
		else if (value === true) element.setAttribute(name, "");
		else if (value || value === 0) element.setAttribute(name, value);
	}
	element.append(...children.filter((child) => child || child === 0));
	return element;
}

// renew makes the children of an element the fresh ones. What is the same already stays where it is, with
// its focus, its selection and the place to which it is scrolled: news must not take these away.
// Elements are the same by name and id. Their order never changes.
function renew(parent, fresh) {
	let at = parent.firstChild;
	for (const child of fresh) {
		let old = at;
		while (old && !sameNode(old, child)) old = old.nextSibling;
		if (!old) {
			parent.insertBefore(child, at);
			continue;
		}
		while (at !== old) at = removeAndGoOn(at);
		at = old.nextSibling;
		if (old !== child && !old.isEqualNode(child)) renewNode(old, child);
	}
	while (at) at = removeAndGoOn(at);
}

const sameNode = (a, b) => a.nodeName === b.nodeName && a.id === b.id;

function removeAndGoOn(node) {
	const next = node.nextSibling;
	node.remove();
	return next;
}

function renewNode(old, fresh) {
	if (old.nodeType === Node.TEXT_NODE) {
		old.data = fresh.data;
		return;
	}
	for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
	for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
	renew(old, [...fresh.childNodes]);
}

async function ask(method, path, body) {
	const request = { method };
	if (body !== undefined) {
		request.body = JSON.stringify(body);
		request.headers = { "Content-Type": "application/json" };
	}
	const response = await fetch(path, request);
	const said = await response.text();
	const answer = said ? JSON.parse(said) : {};
	if (!response.ok) throw new Error(answer.detail ?? response.statusText);
	return answer;
}

// complain shows what did not work until the next thing is tried.
function complain(error) {
	place("problem")?.remove();
	if (error) place("board").before(make("p", { id: "problem", class: "complaint", role: "alert" }, say("failed") + ": " + error.message));
}

const attempt = (change) => async () => {
	complain();
	try {
		await change();
	} catch (error) {
		complain(error);
	}
};

// Times are those of the messages, wherever the browser is.
const zone = { timeZone: "Asia/Ho_Chi_Minh" };
const clockTime = (time) => new Date(time).toLocaleTimeString("en-GB", zone);
const fullTime = (time) => new Date(time).toLocaleString("en-GB", zone);
const tag = (text, mood) => make("span", { class: "tag " + (mood ?? "") }, text);

// ---- the list ----

const maxListed = Number(place("transactions").dataset.maxListed);
let transactions = new Map(); // by id, the newest first
let unassigned = [];

const outcomeMoods = { success: "good", authorised: "good", failure: "bad", refused: "bad", cancel: "warn", expired: "warn", voided: "warn" };
const ipnMoods = { failed: "bad", sending: "warn" };
const verdictMoods = { right: "good", wrong: "bad", missing: "bad", "unknown apiKey": "bad" };

function ipnTag(ipn) {
	if (ipn.state !== "answered") return tag(say("ipn_" + ipn.state), ipnMoods[ipn.state]);
	const said = code("ipnStatus", ipn.answer);
	return tag(say("ipn_answered") + " HTTP " + ipn.status + (said && ", ipnStatus " + said), wordMood(ipn.status, said));
}

// code is a field of an answer, "" where there is none.
function code(field, answer) {
	try {
		return String(JSON.parse(answer)[field] ?? "");
	} catch {
		return "";
	}
}

// Only 200 and 409 say that the app has the payment, whatever the HTTP status is.
const wordMood = (status, said) => codeMood(status, said, ["200", "409"]);

// codeMood goes by the code: HTTP 200 may carry a refusal.
function codeMood(status, said, good) {
	if (status < 200 || status > 299 || said && !good.includes(said)) return "bad";
	return said ? "good" : "warn";
}

const outcomeTag = (t) => tag(say("is_" + (t.outcome || "open")), outcomeMoods[t.outcome]);
const verdictTag = (verdict) => verdict && tag(say("short_" + verdict), verdictMoods[verdict]);
const faultTags = (faults) => (faults ?? []).map((name) => tag(say("fault") + ": " + name, "warn"));

function row(t) {
	return make("a", { class: "row", id: "row-" + t.id, href: "#" + t.id, "aria-current": t.id === chosen() && "true" },
		make("b", {}, t.orderID),
		make("span", { class: "money" }, money(t.orderAmount, t.orderCurrency)),
		make("small", {}, t.stage + (t.operation ? " · " + t.operation : "")),
		make("small", {}, clockTime(t.openedAt)),
		make("span", { class: "tags" }, outcomeTag(t), verdictTag(t.signature), ipnTag(t.ipn), ...faultTags(t.faults)));
}

// money writes an amount as people do, by its value, as the payment page does.
function money(amount, currency) {
	let [whole, fraction = ""] = amount.split(".");
	whole = (whole.replace(/^0+/, "") || "0").replace(/\B(?=(\d{3})+$)/g, say("thousands"));
	if (/^0*$/.test(fraction) || fraction.length > 2) fraction = fraction.replace(/0+$/, "");
	return whole + (fraction && say("point") + fraction) + " " + currency;
}

// typed is a text as people type it in a hurry: small letters, without accents.
const typed = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replaceAll("đ", "d");

// matches reports whether every word that is searched for is somewhere in the transaction.
function matches(t) {
	const words = typed(place("search").value).split(/\s+/);
	const text = typed([t.id, t.requestID, t.orderID, t.orderDescription, t.operation, t.stage, t.paymentMethod, t.orderAmount, money(t.orderAmount, t.orderCurrency),
		say("is_" + (t.outcome || "open")), ...(t.faults ?? [])].join("\n"));
	return words.every((word) => text.includes(word));
}

function showList() {
	const found = [...transactions.values()].filter(matches);
	const rows = found.slice(0, maxListed).map(row);
	renew(place("transactions"), rows.length ? rows : [make("p", { class: "soft" }, say(transactions.size ? "notFound" : "none"))]);
	place("found").textContent = place("search").value && found.length + " / " + transactions.size;
	place("unassigned").textContent = say("unassigned") + " (" + unassigned.length + ")";
}

// ---- one transaction ----

const unassignedHash = "unassigned";
const chosen = () => location.hash.slice(1);
const opened = new Map(); // exchanges on the page, so that what is unfolded stays so
const title = document.title;

const actions = {
	open: ["complete", "fail", "cancel", "expire"],
	authorised: ["capture", "void"],
	success: ["refund"],
};

function actionButtons(t) {
	const names = (actions[t.outcome || "open"] ?? []).filter((name) => name !== "refund" || Number(t.refunded ?? 0) < Number(t.orderAmount));
	const button = (text, name, body) => make("button", {
		type: "button", id: "do-" + text, class: ["fail", "cancel", "expire", "void"].includes(name) && "bad",
		onclick: attempt(() => ask("POST", "/sandbox/transactions/" + t.id + "/" + name, body)),
	}, say(text));
	const buttons = names.map((name) => button(name, name, {}));
	if (t.outcome && t.ipn.state !== "none") buttons.push(button("resend-ipn", "resend-ipn", {}), button("resend-ipn-new-time", "resend-ipn", { newTime: true }));
	return buttons;
}

function fact(name, value) {
	return value && make("div", {}, make("dt", {}, say(name)), make("dd", {}, value));
}

function showTransaction(t) {
	document.title = t.orderID + " · " + title;
	read(
		back(),
		make("h2", { class: "amount" }, money(t.orderAmount, t.orderCurrency)),
		make("p", { class: "tags" }, tag(t.stage), outcomeTag(t), verdictTag(t.signature), ipnTag(t.ipn), ...faultTags(t.faults)),
		make("dl", { class: "facts" },
			fact("order", t.orderID), fact("description", t.orderDescription), fact("transaction", t.id), fact("requestID", t.requestID),
			fact("operation", t.operation), fact("method", t.paymentMethod), fact("opened", fullTime(t.openedAt)),
			t.settledAt ? fact("settled", fullTime(t.settledAt)) : fact("expires", fullTime(t.expiresAt)),
			fact("refunded", t.refunded && money(t.refunded, t.orderCurrency)), fact("ipnTo", t.ipn.failure ?? t.ipn.address), ...(t.faults ?? []).map((name) => fact("fault", name + ": " + (explanations.get(name) ?? "")))),
		make("div", { class: "buttons" }, ...actionButtons(t),
			make("a", { href: t.page, target: "_blank", rel: "noopener" }, say("page")),
			make("a", { href: "/sandbox/transactions/" + t.id, target: "_blank", rel: "noopener" }, say("json"))),
		...log(t.exchanges, t.exchangesLeftOut));
}

function showUnassigned(exchanges, leftOut) {
	document.title = say("unassigned") + " · " + title;
	read(back(), make("h2", {}, say("unassigned")), make("p", { class: "soft" }, say("unassignedTip")), ...log(exchanges, leftOut));
}

// read fills the part of the page that takes the list's place on a narrow screen.
function read(...children) {
	const detail = place("detail");
	const focused = detail.contains(document.activeElement);
	place("board").classList.add("reading");
	renew(detail, children);
	if (focused && !detail.contains(document.activeElement)) detail.focus(); // what had it is gone
}

const back = () => make("a", { id: "back", href: "#" }, "‹ " + say("back"));

function log(exchanges, leftOut) {
	const cards = exchanges.map((e, i) => {
		const key = [chosen(), e.at, e.kind, e.address, e.attempt, e.signature].join("|");
		if (!opened.has(key)) opened.set(key, exchange(key, e, i === 0));
		return opened.get(key);
	});
	return [make("p", { class: "soft" }, say("cards")), leftOut > 0 && make("p", { class: "soft" }, leftOut + " " + say("leftOut")), ...cards].filter(Boolean);
}

// ---- one exchange ----

function exchange(id, e, open) {
	return make("details", { id, class: "wire " + e.kind, open },
		make("summary", {},
			make("b", {}, say("to_" + e.kind) + (e.attempt ? ", " + say("attempt") + " " + e.attempt : "")),
			e.operation && tag(e.operation),
			verdictTag(e.verdict), statusTag(e), ...faultTags(e.faults),
			make("time", {}, clockTime(e.at))),
		make("div", { class: "half" },
			make("h3", {}, make("code", {}, e.method + " " + e.address)),
			e.body && content(e.body), headers(e.headers),
			e.message && make("h3", {}, say("message")), e.message && content(e.message),
			e.signedText && make("details", {}, make("summary", {}, say("signedText")), signedText(e.signedText)),
			e.signature && make("h4", {}, say("signature")), e.signature && make("code", {}, e.signature),
			e.verdict && make("p", { class: "said " + verdictMoods[e.verdict] }, say(e.verdict))),
		e.answer && answer(e));
}

function statusTag(e) {
	const a = e.answer;
	if (!a) return null;
	if (!a.status) return tag(say("noAnswer"), "bad");
	const field = { ipn: "ipnStatus", request: "responseCode" }[e.kind];
	if (!field || a.broken) return tag("HTTP " + a.status, a.broken || a.status > 299 ? "bad" : "good");
	const said = code(field, a.body?.text);
	const mood = e.kind === "ipn" ? wordMood(a.status, said) : codeMood(a.status, said, ["200"]);
	return tag("HTTP " + a.status + (said && ", " + field + " " + said), mood);
}

function answer(e) {
	const a = e.answer;
	const why = a.failure ?? (a.broken && say("broken"));
	return make("div", { class: "half" },
		make("h3", {}, say(e.kind === "ipn" ? "answer_ipn" : "answer") + ": " + (a.status ? "HTTP " + a.status : say("noAnswer"))),
		why && make("p", { class: "said bad" }, why),
		a.body ? content(a.body) : a.status && make("p", { class: "soft" }, say("empty")),
		headers(a.headers),
		a.signature && make("h4", {}, say("signature")), a.signature && make("code", {}, a.signature));
}

function headers(lines) {
	return lines?.length && make("details", {},
		make("summary", {}, say("headers") + " (" + lines.length + ")"),
		text(say("headers"), lines.map((h) => h.name + ": " + h.value).join("\n")));
}

function signedText(signed) {
	const word = "<salt>";
	return text(say("signedText"), signed.slice(0, -word.length), make("span", { class: "salt" }, word));
}

// content shows a body as it was sent, and beside it laid out, if it is JSON.
function content(body) {
	const notes = [say("asSent"), (body.cut ? say("cut") + " " : "") + body.length + " " + say("bytes"), body.base64 && say("base64")];
	const pretty = !body.cut && !body.base64 && layOut(body.text);
	return make("div", { class: "beside" + (pretty ? " two" : "") },
		make("div", {}, make("h4", {}, notes.filter(Boolean).join(" · ")), text(say("asSent"), body.text)),
		pretty && make("div", {}, make("h4", {}, say("formatted")), pretty));
}

// text is text that can be long: it is scrolled with the keyboard, too.
const text = (label, ...children) => make("pre", { tabindex: 0, role: "group", "aria-label": label }, ...children);

// layOut indents JSON without touching a token: JSON.stringify would change how numbers are written.
function layOut(json) {
	try {
		JSON.parse(json);
	} catch {
		return null;
	}
	const tokens = json.match(/"(?:\\.|[^"\\])*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? [];
	const pre = text(say("formatted"));
	let depth = 0;
	const newLine = () => "\n" + "\t".repeat(depth);
	tokens.forEach((token, i) => {
		const next = tokens[i + 1];
		if (token === "{" || token === "[") {
			depth++;
			pre.append(token, next === "}" || next === "]" ? "" : newLine());
		} else if (token === "}" || token === "]") {
			depth--;
			pre.append(tokens[i - 1] === "{" || tokens[i - 1] === "[" ? "" : newLine(), token);
		} else if (token === ",") pre.append(token, newLine());
		else if (token === ":") pre.append(": ");
		else pre.append(make("span", { class: token[0] !== '"' ? "literal" : next === ":" ? "key" : "string" }, token));
	});
	return pre;
}

// ---- faults, clock, reset ----

const explanations = new Map(); // of the faults, by name

// showControls changes what is there already: a person in a long list of faults
// keeps their place in it.
async function showControls() {
	const [faults, clock] = await Promise.all([ask("GET", "/sandbox/faults?language=" + document.documentElement.lang), ask("GET", "/sandbox/clock")]);
	for (const f of faults.known) explanations.set(f.name, f.about);
	if (!place("now")) place("controls").append(controls(faults.known));
	for (const box of place("controls").querySelectorAll("input")) box.checked = faults.faults.includes(box.name);
	place("striking").hidden = faults.faults.length === 0;
	place("striking").textContent = faults.faults.length;
	place("now").textContent = fullTime(clock.now);
}

function controls(known) {
	const box = (f) => make("label", {},
		make("input", { type: "checkbox", name: f.name, onchange: attempt(setFaults) }),
		make("span", {}, f.name, make("small", {}, f.about)));
	return make("details", { class: "panel" },
		make("summary", {}, make("b", {}, say("controls")), " ", make("span", { class: "tag warn", id: "striking" })),
		make("h2", {}, say("faults")), make("p", { class: "soft" }, say("faultsTip")),
		make("div", { class: "faults" }, ...known.map(box)),
		make("h2", {}, say("clock")), make("p", { class: "soft", id: "now" }),
		make("div", { class: "buttons" }, ...["1m", "16m", "24h"].map((by) => make("button", { type: "button", onclick: attempt(() => advance(by)) }, say("advance") + " " + by))),
		make("div", { class: "buttons" }, make("button", { type: "button", id: "reset", class: "bad", onclick: attempt(reset) }, say("reset"))));
}

async function setFaults() {
	const names = [...place("controls").querySelectorAll("input:checked")].map((input) => input.name);
	await ask("PUT", "/sandbox/faults", { faults: names });
	await showControls();
}

async function advance(by) {
	await ask("POST", "/sandbox/clock", { advance: by });
	await lookAtAll();
}

async function reset() {
	if (!confirm(say("resetSure"))) return;
	await ask("POST", "/sandbox/reset", {});
	location.hash = "";
	choosing = true;
	await lookAtAll();
}

// ---- news ----

async function lookAtAll() {
	const [list, without] = await Promise.all([ask("GET", "/sandbox/transactions"), ask("GET", "/sandbox/exchanges"), showControls()]);
	transactions = new Map(list.transactions.map((t) => [t.id, t]));
	unassigned = without.exchanges;
	showList();
	chooseNewest();
	if (chosen() !== unassignedHash) return lookAtChosen();
	showUnassigned(unassigned, without.exchangesLeftOut);
}

async function lookAt(id) {
	const t = await ask("GET", "/sandbox/transactions/" + id);
	if (transactions.has(id)) transactions.set(id, t);
	else transactions = new Map([[id, t], ...transactions]);
	showList();
	chooseNewest();
	if (id === chosen()) showTransaction(t);
}

// chooseNewest fills the place beside the list, once, where nothing is chosen. On a narrow screen there is none.
let choosing = true;
function chooseNewest() {
	if (!choosing || transactions.size === 0) return;
	choosing = false;
	if (chosen() || !matchMedia("(min-width: 60rem)").matches) return;
	history.replaceState(null, "", "#" + transactions.keys().next().value);
	keepChosen();
	showList();
}

async function lookAtChosen() {
	const id = chosen();
	if (id === unassignedHash) return lookAtAll();
	if (transactions.has(id)) return lookAt(id);
	document.title = title;
	place("board").classList.remove("reading");
	renew(place("detail"), [make("p", { class: "soft" }, say("choose"))]);
}

// follow looks again at what has changed, one after the other. Behind a crowd of news it
// is quicker to look at everything.
let news = new Set();
let looking = false;

async function follow() {
	if (looking) return;
	looking = true;
	while (news.size > 0) {
		const ids = news;
		news = new Set();
		try {
			if (ids.has("") || ids.size > 20) await lookAtAll();
			else for (const id of ids) await lookAt(id);
		} catch (error) {
			complain(error); // the stream begins again with everything
		}
	}
	looking = false;
}

function listen() {
	const events = new EventSource("/sandbox/events");
	const live = place("live");
	live.hidden = false;
	events.onopen = () => {
		live.classList.add("on");
		live.textContent = say("live");
	};
	events.onmessage = (event) => {
		news.add(JSON.parse(event.data).id);
		follow();
	};
	events.onerror = () => {
		live.classList.remove("on");
		live.textContent = say("lost");
		if (events.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
	};
}

// The other language shows what is chosen in this one.
function keepChosen() {
	for (const link of document.querySelectorAll("#languages a")) link.hash = location.hash;
}

// followOnNarrowScreen moves the focus where list and transaction take each other's place.
function followOnNarrowScreen(before) {
	if (chosen()) {
		if (!place("list").checkVisibility()) place("detail").focus();
		return;
	}
	(place("row-" + before) ?? place(before))?.focus();
}

place("search").addEventListener("input", showList);
place("search").closest("p").hidden = false;
place("unassigned").href = "#" + unassignedHash;
keepChosen();
addEventListener("hashchange", (event) => {
	keepChosen();
	opened.clear();
	place("detail").replaceChildren();
	scrollTo(0, 0);
	complain();
	showList();
	lookAtChosen().then(() => followOnNarrowScreen(new URL(event.oldURL).hash.slice(1))).catch(complain);
});
listen();
