"use strict";

// The order's page follows the order: what an IPN changes is seen within two seconds.
const live = document.getElementById("live");
let shown = null;

async function refresh() {
	const answer = await fetch(live.dataset.source);
	if (!answer.ok) return;
	const page = await answer.text();
	if (page === shown) return;
	const fresh = document.createElement("template");
	fresh.innerHTML = page; // from the shop's own template, which escapes what is in messages
	const focused = live.contains(document.activeElement);
	renew(live, [...fresh.content.childNodes]);
	if (focused && !live.contains(document.activeElement)) live.focus(); // what had it is gone
	document.title = document.getElementById("state").dataset.title;
	shown = page;
}

// renew makes the children of an element the fresh ones. What is the same already stays where it is, with
// its focus and unfolded as it was. Elements are the same by name and id. Their order never changes.
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
		renewNode(old, child);
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
		if (old.data !== fresh.data) old.data = fresh.data;
		return;
	}
	for (const { name } of [...old.attributes]) if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
	for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
	renew(old, [...fresh.childNodes]);
}

setInterval(() => {
	if (!document.hidden) refresh().catch(() => {}); // a shop that has stopped comes back, or not
}, 2000);

// The modal window is the gateway's script. What it says at the end is not signed, so the
// shop's server is sent to ask the gateway; the order itself waits for the IPN.
const modal = document.getElementById("galaxy-pay-sdk");

function ask() {
	fetch(modal.dataset.ask, { method: "POST" }).then(refresh).catch(() => {});
}

function openModal() {
	galaxyPaySubmitPayment(modal.dataset.endpoint, ask, refresh, { language: modal.dataset.language });
}

// Without this script, or without the gateway's, the way to the payment is a link.
if (modal && globalThis.galaxyPaySubmitPayment) {
	live.addEventListener("click", (event) => {
		if (event.target.id !== "open-modal") return;
		event.preventDefault();
		openModal();
	});
	// Once by itself, for a customer who has just ordered; not again after a reload.
	const key = "opened " + location.pathname;
	const link = document.getElementById("open-modal");
	if (link && !sessionStorage.getItem(key)) {
		sessionStorage.setItem(key, "yes");
		link.focus(); // where the customer is when the window closes
		openModal();
	}
}
