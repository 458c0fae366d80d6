// Keeps what the page shows up to date. It fetches the same page again, and puts the new content in place of the old where
// they differ. The search and what is typed there stay. It waits while the tab is hidden, or a text field is in use.
"use strict";

const every = 10000; // milliseconds
const most = 60; // looks, until the user asks for more
const patience = 15000; // milliseconds, as long as the desk may take for a page
const controls = document.getElementById("live");
const button = controls.querySelector("button");
const news = document.getElementById("news");
const texts = controls.dataset;
let before = contentOf(document).innerHTML;
let left = most;
let timer = 0;

function contentOf(page) {
	return page.getElementById("fresh");
}

// mustWait is true while a change would disturb the user, or while the tab is hidden.
function mustWait() {
	const selection = getSelection();
	return document.hidden || document.activeElement.matches("input, textarea, select") ||
		!selection.isCollapsed && contentOf(document).contains(selection.anchorNode);
}

function say(text) {
	if (news.textContent !== text) news.textContent = text;
}

// show puts the new content in place, and the focus and the scroll position back.
function show(content) {
	const old = contentOf(document);
	const active = document.activeElement;
	const hadFocus = old.contains(active);
	const href = hadFocus ? active.getAttribute("href") : null;
	const [x, y] = [scrollX, scrollY];
	old.replaceWith(document.adoptNode(content));
	if (hadFocus) {
		const same = [...content.querySelectorAll("a")].find(link => link.getAttribute("href") === href);
		(same ?? document.getElementById("content")).focus({ preventScroll: true });
	}
	scrollTo(x, y);
}

async function look() {
	const response = await fetch(location.href, { cache: "no-store", redirect: "error", signal: AbortSignal.timeout(patience) });
	const text = await response.text();
	const content = contentOf(new DOMParser().parseFromString(text, "text/html"));
	if (!response.ok || content === null) throw new Error("HTTP " + response.status);
	if (mustWait()) return; // the user has begun to type; the next look shows it
	if (content.innerHTML === before) {
		if (news.textContent === texts.failed) say("");
		return;
	}
	before = content.innerHTML;
	show(content);
	say(texts.changed + " " + new Date().toLocaleTimeString(document.documentElement.lang));
}

async function next() {
	clearTimeout(timer);
	if (left === 0) return;
	if (!mustWait()) {
		left--;
		try {
			await look();
		} catch {
			say(texts.failed);
		}
	}
	clearTimeout(timer);
	timer = setTimeout(next, every);
	label();
}

function label() {
	button.textContent = left > 0 ? texts.stop : texts.go;
}

button.addEventListener("click", () => {
	left = left > 0 ? 0 : most;
	label();
	next();
});
document.addEventListener("visibilitychange", () => {
	if (!document.hidden) next();
});
document.getElementById("search").addEventListener("focusout", () => {
	clearTimeout(timer);
	timer = setTimeout(next, 500); // after the press that took the focus away
});
controls.hidden = false;
label();
timer = setTimeout(next, every);
