"use strict";

// The order's page follows the order: what an IPN changes is seen within two seconds.
const live = document.getElementById("live");
let shown = null;

async function refresh() {
	const answer = await fetch(live.dataset.source);
	if (!answer.ok) return;
	const page = await answer.text();
	if (page === shown) return;
	const open = [...live.querySelectorAll("details[open]")].map((d) => d.id);
	live.innerHTML = page; // from the shop's own template, which escapes what is in messages
	shown = page;
	for (const id of open) document.getElementById(id)?.setAttribute("open", "");
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

if (modal) {
	live.addEventListener("click", (event) => {
		if (event.target.id === "open-modal") openModal();
	});
	// Once by itself, for a customer who has just ordered; not again after a reload.
	const key = "opened " + location.pathname;
	if (document.getElementById("open-modal") && !sessionStorage.getItem(key)) {
		sessionStorage.setItem(key, "yes");
		openModal();
	}
}
